"""Flags of the commands that import published weights, besides those of the network."""

import dataclasses

from common.option_fields import DATA, START, option
from deeplab.commands.shared_options import PUBLISHED_DATASETS


@dataclasses.dataclass(frozen=True)
class ImportOptions:
    """What goes with the weights."""

    calibration_images: str | None = option(
        None,
        "Images on which the import is compared with the file: a folder, a file or a quoted glob "
        "pattern. From a TFLite file they also give batch norm its statistics; use a hundred or "
        "more of the kind that you will train on.",
        DATA,
        is_common=True,
        computed_default="one image that the command draws",
    )
    dataset: str | None = option(
        None,
        "Published dataset that gives names and colors to the classes.",
        DATA,
        is_common=True,
        choices=PUBLISHED_DATASETS,
        computed_default="the one that has as many classes, if any",
    )


@dataclasses.dataclass(frozen=True)
class TrustOptions:
    """Which graphs are loaded."""

    trust: bool = option(
        False,
        "Load a graph that has operations which can read and write files or run programs. Only for "
        "files whose origin you trust.",
        START,
        is_common=True,
    )
