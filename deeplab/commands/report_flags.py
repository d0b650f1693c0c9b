"""The command report.py: its words and its flags."""

import dataclasses

from commands.command import Command
from commands.shared_options import DEFAULT_SPLIT, CheckpointOptions
from common.option_fields import DATA, RESULTS, START, change, changed, option
from deeplab.commands.batch_options import batch_size_option, crop_size_option
from deeplab.commands.network_flags import AS_TRAINED
from deeplab.commands.shared_options import (
    ALL_OF_EVALUATION,
    DATASET_OF_EVALUATION,
    explain_classes,
)


@dataclasses.dataclass(frozen=True)
class ReportOptions:
    """What report.py shows, and where the page goes."""

    report_logdir: str | None = option(
        None,
        "Folder of report.html and images.csv.",
        RESULTS,
        is_common=True,
        computed_default=(
            "report/ in the folder of the training run; report_SPLIT/ for another split than val, "
            "report_ema/ with use_ema, unless its own validation uses averages"
        ),
        aliases=("output_dir", "output", "report_dir"),
    )
    compare_with: str | None = option(
        None,
        "Checkpoint, or folder of a training run, that is scored in the same way and shown beside.",
        START,
        is_common=True,
        aliases=("compare", "baseline"),
    )
    report_split: str = option(
        DEFAULT_SPLIT, "Split to score.", DATA, is_common=True, aliases=("split",)
    )
    num_worst_images: int = option(
        12, "Number of images shown, the worst ones.", RESULTS, is_common=True, lower=0
    )
    report_batch_size: int = batch_size_option()
    report_crop_size: tuple[int, int] | None = crop_size_option()


# Named by its own class, so that its default differs from that of eval.py.
ReportedCheckpointOptions = changed(
    CheckpointOptions,
    checkpoint_path=change(
        None,
        computed_default="best where the training run has validated itself, otherwise latest",
    ),
)


COMMAND = Command(
    description="""\
Writes a page about a trained network: python report.py

Scores a checkpoint on a split, and writes one HTML file that any browser shows without a network
connection: loss and mean IoU over the training run, the IoU of each class with its pixels and
images, outlines (boundary IoU), what is confused with what, calibration, thresholds, the worst
images, and the commands and versions that made it. --compare_with=runs/b shows a second training
run beside it. images.csv beside the page lists all images, for spreadsheets.

Without flags it takes the best checkpoint of the newest training run if that has validated itself,
and otherwise the newest one. Classes, network and dataset are found as by eval.py.""",
    main="deeplab.commands.report",
    options=(
        ReportOptions,
        ReportedCheckpointOptions,
        *(each for each in ALL_OF_EVALUATION if each is not CheckpointOptions),
    ),
    computed_defaults={**AS_TRAINED, **DATASET_OF_EVALUATION},
    explain_unknown=lambda name, *_: explain_classes(name),
)
