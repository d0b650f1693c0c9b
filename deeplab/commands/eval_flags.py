"""The command eval.py: its words and its flags."""

import dataclasses

from commands.command import Command
from commands.shared_options import CheckpointOptions, ScoredSplitOptions
from common.option_fields import RESULTS, change, changed, option
from deeplab.commands.batch_options import batch_size_option, crop_size_option
from deeplab.commands.network_flags import AS_TRAINED
from deeplab.commands.shared_options import (
    ALL_OF_EVALUATION,
    DATASET_OF_EVALUATION,
    explain_classes,
)


@dataclasses.dataclass(frozen=True)
class EvalOptions(ScoredSplitOptions):
    """What eval.py scores, and how long."""

    eval_batch_size: int = batch_size_option(is_common=True)
    eval_crop_size: tuple[int, int] | None = crop_size_option(is_common=True)
    max_number_of_evaluations: int = option(
        0,
        "Number of evaluations before exiting; 1 scores the best checkpoint of a training run "
        "that validates itself, otherwise the newest one; 0 or less runs indefinitely.",
        RESULTS,
        is_common=True,
    )
    per_image_csv: bool = option(
        False,
        "Also write eval-STEP-images.csv, a table of the images with their mean IoU, pixel "
        "accuracy and IoU of each class, the worst first.",
        RESULTS,
        is_common=True,
    )
    boundary_iou: bool = option(
        False,
        "Also score outlines: the boundary IoU of each class and its mean.",
        RESULTS,
        is_common=True,
    )
    calibration: bool = option(
        False,
        "Also score probabilities: the expected calibration error. Its bins go to eval-STEP.json.",
        RESULTS,
        is_common=True,
    )


ScoredCheckpointOptions = changed(
    CheckpointOptions,
    checkpoint_path=change(
        None,
        flag_type=list[str],
        help="One checkpoint (model.ckpt-1000) or training run's folder, or several, separated by "
        "commas, to compare in one table; used instead of those of checkpoint_dir; or 'best' or "
        "'latest' for that one of checkpoint_dir; or the name of published weights, which are "
        "downloaded.",
    ),
)


COMMAND = Command(
    description="""\
Scores checkpoints: python eval.py --max_number_of_evaluations=1

Without flags it scores every new checkpoint of the newest training run, indefinitely, as
research/deeplab's eval.py does; --max_number_of_evaluations=1 scores one and exits: the best where
the training run has validated itself (--validate_every), otherwise the newest. The network is the
one that options.json beside the checkpoint describes. It may run at another output stride than it
was trained at (--output_stride=8; ASPP's rates follow). A checkpoint of published weights is known
by its name (--checkpoint_path=NAME; python -m scripts.weights list); any other one without
options.json needs the flags of its network. Several checkpoints, also of different
networks, are scored in turn and compared in one table (--checkpoint_path=runs/a,runs/b/best).

Results: a table on the terminal, eval-STEP.json and TensorBoard's events in eval_logdir. The
checkpoint with the highest mean IoU on the split val is kept in best/ in the folder of the training
run, and best_checkpoint there says what it scored. Other splits don't count: a checkpoint chosen by
its score on a test split has seen the test. A comparison of several leaves best/ as it is.""",
    main="deeplab.commands.eval",
    options=(
        EvalOptions,
        ScoredCheckpointOptions,
        *(each for each in ALL_OF_EVALUATION if each is not CheckpointOptions),
    ),
    computed_defaults={**AS_TRAINED, **DATASET_OF_EVALUATION},
    explain_unknown=lambda name, *_: explain_classes(name),
)
