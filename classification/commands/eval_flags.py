"""The command eval.py of classification: its words and its flags."""

import dataclasses

from classification.commands.shared_options import (
    BatchOptions,
    EvaluatedViewOptions,
    explain_classes,
)
from commands.command import Command
from commands.shared_options import (
    CheckpointOptions,
    DatasetOptions,
    ScoredSplitOptions,
    WeightsOptions,
)
from common.option_fields import RESULTS, option


@dataclasses.dataclass(frozen=True)
class EvalOptions(ScoredSplitOptions):
    """What eval.py scores, and how long."""

    max_number_of_evaluations: int = option(
        0,
        "Number of evaluations before exiting; 1 scores the newest checkpoint, 0 or less runs "
        "indefinitely.",
        RESULTS,
        is_common=True,
    )
    save_predictions: bool = option(
        False,
        "Also write predictions-STEP.csv: file, label, predicted class and its probability, of "
        "each image.",
        RESULTS,
        is_common=True,
    )


COMMAND = Command(
    description="""\
Scores checkpoints of a classifier: python eval.py --max_number_of_evaluations=1

Without flags it scores every new checkpoint of the newest training run, indefinitely;
--max_number_of_evaluations=1 scores the newest one and exits.

Results: a table on the terminal with recall and precision of each class and the commonest
confusions, eval-STEP.json with the confusion matrix, confusion-STEP.png, and TensorBoard's events
in eval_logdir. The checkpoint with the highest accuracy on the split val is kept in best/ in the
folder of the training run.""",
    main="classification.commands.eval",
    options=(
        EvalOptions,
        DatasetOptions,
        CheckpointOptions,
        WeightsOptions,
        EvaluatedViewOptions,
        BatchOptions,
    ),
    explain_unknown=lambda name, *_: explain_classes(name),
)
