"""The command eval.py of classification: its words and its flags."""

import dataclasses

from classification.commands.shared_options import (
    BatchOptions,
    EvaluatedViewOptions,
    explain_classes,
)
from commands.command import Command
from commands.shared_options import (
    DEFAULT_SPLIT,
    CheckpointOptions,
    DatasetOptions,
    WeightsOptions,
)
from common.option_fields import DATA, RESULTS, option


@dataclasses.dataclass(frozen=True)
class EvalOptions:
    """What eval.py scores, and where the results go."""

    eval_logdir: str | None = option(
        None,
        "Folder of the results.",
        RESULTS,
        is_common=True,
        computed_default=(
            "eval/ in the folder of the training run; eval_SPLIT/ for another split than val, "
            "eval_ema/ with use_ema"
        ),
        aliases=("output_dir", "output"),
    )
    eval_split: str = option(
        DEFAULT_SPLIT,
        "Split to score. The best checkpoint is kept only by its score on val.",
        DATA,
        is_common=True,
        aliases=("split",),
    )
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
