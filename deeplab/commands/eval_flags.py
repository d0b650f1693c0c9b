"""The command eval.py: its words and its flags."""

import dataclasses

from commands.command import Command
from commands.shared_options import ScoredSplitOptions
from common.option_fields import DATA, HARDWARE, RESULTS, option
from deeplab.commands.network_flags import AS_TRAINED
from deeplab.commands.shared_options import (
    ALL_OF_EVALUATION,
    DATASET_OF_EVALUATION,
    explain_classes,
)


@dataclasses.dataclass(frozen=True)
class EvalOptions(ScoredSplitOptions):
    """What eval.py scores, and how long."""

    eval_batch_size: int = option(
        1,
        "Images in a batch. Larger batches take more memory, and are faster on a GPU.",
        HARDWARE,
        is_common=True,
        aliases=("batch_size", "batch"),
    )
    eval_crop_size: tuple[int, int] | None = option(
        None,
        "height,width in pixels that every image is padded to, each a multiple of output_stride "
        "plus one.",
        DATA,
        is_common=True,
        computed_default="the smallest that holds every image of the split",
        aliases=("crop_size", "crop"),
    )
    max_number_of_evaluations: int = option(
        0,
        "Number of evaluations before exiting; 1 scores the newest checkpoint, 0 or less runs "
        "indefinitely.",
        RESULTS,
        is_common=True,
    )


COMMAND = Command(
    description="""\
Scores checkpoints: python eval.py --max_number_of_evaluations=1

Without flags it scores every new checkpoint of the newest training run, indefinitely, as
research/deeplab's eval.py does; --max_number_of_evaluations=1 scores the newest one and exits. The
network is the one that options.json beside the checkpoint describes. It may run at another output
stride than it was trained at (--output_stride=8; ASPP's rates follow). A checkpoint of published
weights is known by its name (--checkpoint_path=NAME; python -m scripts.weights list); any other one
without options.json needs the flags of its network.

Results: a table on the terminal, eval-STEP.json and TensorBoard's events in eval_logdir. The
checkpoint with the highest mean IoU on the split val is kept in best/ in the folder of the training
run, and best_checkpoint there says what it scored. Other splits don't count: a checkpoint chosen by
its score on a test split has seen the test.""",
    main="deeplab.commands.eval",
    options=(EvalOptions, *ALL_OF_EVALUATION),
    computed_defaults={**AS_TRAINED, **DATASET_OF_EVALUATION},
    explain_unknown=lambda name, *_: explain_classes(name),
)
