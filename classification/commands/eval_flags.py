"""The command eval.py of classification: its words and its flags."""

import dataclasses

from classification.commands.shared_options import (
    DatasetOptions,
    EvaluatedViewOptions,
    TrainedNetworkOptions,
    explain_classes,
)
from commands.command import Command
from commands.flags import Flags
from commands.shared_options import (
    DEFAULT_SPLIT,
    BatchOptions,
    CheckpointOptions,
    ScoredSplitOptions,
    WeightsOptions,
)
from common.option_fields import COMPATIBILITY, RESULTS, change, changed, option, refused


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
    save_predictions: bool = option(
        False,
        "Also write predictions-STEP.csv: file, label, predicted class and its probability, of "
        "each image.",
        RESULTS,
        is_common=True,
    )


EvalOptions = changed(
    _EvalOptions,
    eval_logdir=change(None, synonyms=("eval_dir",)),
    eval_split=change(DEFAULT_SPLIT, synonyms=("dataset_split_name",)),
)


@dataclasses.dataclass(frozen=True)
class SlimEvaluationOptions:
    """Flags of research/slim's eval_image_classifier.py for what does not exist here."""

    num_preprocessing_threads: int = option(
        4, "Accepted and ignored: the input pipeline chooses its threads.", COMPATIBILITY
    )
    max_num_batches: int | None = refused(
        None, "a split is scored as a whole; make a split of fewer images, or omit the flag"
    )
    master: str = refused("", "scoring runs in this process; omit the flag")
    quantize: bool = refused(
        False,
        "training for 8 bits (tf.contrib.quantize) is gone from TensorFlow; export_model.py "
        "--quantize=int8 scores its 8-bit forms",
    )
    use_grayscale: bool = refused(False, "networks see colors; omit the flag")


def _explain_unknown(name: str, value: str, flags: Flags) -> str | None:
    del value, flags
    if name == "moving_average_decay":
        return (
            f"there is no flag --{name}; --use_ema scores the moving averages that train.py "
            "--ema_decay kept."
        )
    return explain_classes(name)


COMMAND = Command(
    description="""\
Scores checkpoints of a classifier: python eval.py --max_number_of_evaluations=1

Without flags it scores every new checkpoint of the newest training run, indefinitely;
--max_number_of_evaluations=1 scores one and exits: the best where the training run has validated
itself (--validate_every), otherwise the newest.

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
        TrainedNetworkOptions,
        EvaluatedViewOptions,
        BatchOptions,
        SlimEvaluationOptions,
    ),
    explain_unknown=_explain_unknown,
)
