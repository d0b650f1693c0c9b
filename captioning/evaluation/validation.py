"""CIDEr as what checkpoints are compared by: during training (`training.validation`) and after.

Both score a checkpoint in the same way, so that one is better than the other whoever scored it.
Perplexity and CIDEr disagree: a network that says the same of all images may be the less surprised.
"""

import dataclasses
from typing import Any

from captioning.evaluation.evaluator import Evaluation, Evaluator
from captioning.options import SearchOptions
from captioning.run_description import RunDescription
from datasets.captioning.specs import CaptioningSpec
from training import ema
from training.validation import Score

METRIC = "cider"
# Only its scores count: a checkpoint chosen by its score on a test split has seen the test.
SPLIT = "val"


class CaptioningValidator:
    """See `training.validation.Validator`.

    Args:
      spec: the dataset, whose split val is scored.
      description: the network as it is trained.
      uses_averages: whether the moving averages of the weights are scored.

    Raises:
      ValueError: there is no such split, or it is damaged.
    """

    def __init__(self, spec: CaptioningSpec, description: RunDescription, uses_averages: bool):
        self._spec, self._description = spec, description
        self._uses_averages = uses_averages
        self._search = SearchOptions()
        self._evaluator = Evaluator(spec, SPLIT, description, search=self._search)

    def score(self, checkpoint: str) -> Score:
        """Scores a checkpoint; see `training.validation.Validator`."""
        names = ema.saved_names(checkpoint) if self._uses_averages else {}
        self._evaluator.restore(checkpoint, names)
        evaluation = self._evaluator.score()
        scores, warning = evaluation.scores, evaluation.scores.warning()
        return Score(
            METRIC,
            scores.cider,
            conditions(self._spec, evaluation, self._description, self._search),
            use_ema=self._uses_averages,
            text=f"CIDEr {scores.cider:.3f}, BLEU-4 {scores.bleu[3]:.3f}, perplexity "
            f"{scores.perplexity:.2f}, {scores.distinct:.0%} distinct ({scores.num_images} images, "
            f"{evaluation.seconds:.1f} s)",
            scalars={
                METRIC: scores.cider,
                "perplexity": scores.perplexity,
                "bleu_4": scores.bleu[3],
                "distinct": scores.distinct,
            },
            warnings=[warning] if warning else [],
        )

    def close(self) -> None:
        """Frees the evaluator's session."""
        self._evaluator.close()


def conditions(
    spec: CaptioningSpec,
    evaluation: Evaluation,
    description: RunDescription,
    search: SearchOptions,
) -> dict[str, Any]:
    """Returns how a score was taken: scores are compared where all of this is equal."""
    return {
        "dataset": spec.name,
        "split": evaluation.split,
        "num_images": evaluation.scores.num_images,
        "num_captions": evaluation.scores.num_captions,
        **dataclasses.asdict(search),
        **dataclasses.asdict(description.view),
    }
