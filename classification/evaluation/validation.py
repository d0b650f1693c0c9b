"""Accuracy as what checkpoints are compared by: during training (`training.validation`) and after.

Both score a checkpoint in the same way, so that one is better than the other whoever scored it.
"""

import dataclasses
from typing import Any

from classification.evaluation.evaluator import Evaluation, Evaluator
from classification.run_description import RunDescription
from datasets.classification.specs import ClassificationSpec
from training import ema
from training.validation import Score

METRIC = "accuracy"
# Only its scores count: a checkpoint chosen by its score on a test split has seen the test.
SPLIT = "val"


class ClassificationValidator:
    """See `training.validation.Validator`.

    Args:
      spec: the dataset, whose split val is scored.
      description: the network as it is trained.
      trains_batch_norm: whether batch norm is trained, and its statistics have to follow.
      uses_averages: whether the moving averages of the weights are scored.

    Raises:
      ValueError: there is no such split, or it is damaged.
    """

    def __init__(
        self,
        spec: ClassificationSpec,
        description: RunDescription,
        trains_batch_norm: bool,
        uses_averages: bool,
    ):
        self._spec, self._description = spec, description
        self._uses_averages = uses_averages
        self._evaluator = Evaluator(
            spec,
            SPLIT,
            description,
            # Averaged weights have averaged statistics, which suit them.
            compares_statistics=trains_batch_norm and not uses_averages,
        )

    def score(self, checkpoint: str) -> Score:
        """Scores a checkpoint; see `training.validation.Validator`."""
        names = ema.saved_names(checkpoint) if self._uses_averages else {}
        self._evaluator.restore(checkpoint, names)
        evaluation = self._evaluator.score()
        metrics = evaluation.metrics
        warning = evaluation.warning()
        return Score(
            METRIC,
            metrics.accuracy,
            conditions(self._spec, evaluation, self._description),
            use_ema=self._uses_averages,
            text=f"top-1 {metrics.accuracy:.4f}, top-5 {metrics.top_5:.4f} "
            f"({evaluation.num_images} images, {evaluation.seconds:.1f} s)",
            scalars={
                METRIC: metrics.accuracy,
                "top_5": metrics.top_5,
                "cross_entropy": metrics.cross_entropy,
            },
            warnings=[warning] if warning else [],
        )

    def close(self) -> None:
        """Frees the evaluator's session."""
        self._evaluator.close()


def conditions(
    spec: ClassificationSpec, evaluation: Evaluation, description: RunDescription
) -> dict[str, Any]:
    """Returns how an accuracy was taken: scores are compared where all of this is equal."""
    return {
        "dataset": spec.name,
        "split": evaluation.split,
        "num_images": evaluation.num_images,
        **dataclasses.asdict(description.view),
    }
