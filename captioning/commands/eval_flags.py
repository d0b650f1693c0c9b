"""The command eval.py of captioning: its words and its flags."""

import dataclasses

from captioning.commands.shared_options import BatchOptions, PatternOptions, SearchFlags
from commands.command import Command
from commands.flags import Flags
from commands.shared_options import (
    CheckpointOptions,
    DatasetOptions,
    ScoredSplitOptions,
    WeightsOptions,
)
from common.option_fields import RESULTS, change, changed, option


@dataclasses.dataclass(frozen=True)
class _EvalOptions(ScoredSplitOptions):
    """What eval.py scores, and how long."""

    max_number_of_evaluations: int = option(
        0,
        "Number of evaluations before exiting; 1 scores the best checkpoint of a training run "
        "that validates itself, otherwise the newest one; 0 or less runs indefinitely.",
        RESULTS,
        is_common=True,
    )
    save_captions: bool = option(
        False,
        "Also write captions-STEP.json, the captions in COCO's form of results.",
        RESULTS,
        is_common=True,
    )


EvalOptions = changed(_EvalOptions, eval_logdir=change(None, synonyms=("eval_dir",)))


def _explain_unknown(name: str, value: str, flags: Flags) -> str | None:
    """Explains flags of research/im2txt's evaluate.py."""
    if name == "num_eval_examples":
        return f"there is no flag --{name}; all examples of the split are scored."
    if name == "min_global_step":
        return f"there is no flag --{name}; every checkpoint is scored, from the first one on."
    return None


COMMAND = Command(
    description="""\
Scores checkpoints of a network that describes images: python eval.py --max_number_of_evaluations=1

Without flags it scores every new checkpoint of the newest training run, indefinitely;
--max_number_of_evaluations=1 scores one and exits: the best where the training run has validated
itself (--validate_every), otherwise the newest.

Results: perplexity, BLEU-1 to BLEU-4, ROUGE-L and CIDEr-D as pycocoevalcap computes them, and the
share of distinct captions, on the terminal, in eval-STEP.json and for TensorBoard; METEOR is not
computed. The checkpoint with the highest CIDEr on the split val is kept in best/ in the folder of
the training run.""",
    main="captioning.commands.eval",
    options=(
        EvalOptions,
        DatasetOptions,
        PatternOptions,
        CheckpointOptions,
        WeightsOptions,
        SearchFlags,
        BatchOptions,
    ),
    explain_unknown=_explain_unknown,
)
