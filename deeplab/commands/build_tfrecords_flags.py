"""The command datasets.build_tfrecords: its words and its flags."""

import dataclasses

from commands.build_options import BuildingOptions
from commands.command import Command
from common.option_fields import RESULTS, option
from deeplab.commands.source_options import SourceOptions

# Of a module that imports TensorFlow: `segmentation.record_format`.
_GRADIENT_FORMATS = ("int16", "png")


@dataclasses.dataclass(frozen=True)
class BuildOptions(SourceOptions):
    """What is read, and what of it is written."""

    gradient: bool = option(
        True,
        "Store the Laplacian gradient channel in the records. Without it records are a fifth as "
        "large, and training computes the same channel from the images when it is asked to.",
        RESULTS,
        is_common=True,
    )
    gradient_format: str = option(
        _GRADIENT_FORMATS[0],
        "How the gradient channel is stored: as plain integers, which is fast, or as a PNG file, "
        "which takes three fifths of the space and longer to build and to train from.",
        RESULTS,
        choices=_GRADIENT_FORMATS,
    )
    sheet: str | None = option(
        None,
        "PNG file for a sheet that the check draws: a few images of each split with their masks in "
        "color, so that all classes are seen. --sheet= draws none.",
        RESULTS,
        is_common=True,
        computed_default="with --check_only data/sheets/NAME.png, where NAME is that of the "
        "dataset; otherwise none",
    )


COMMAND = Command(
    description="""\
Builds TFRecords from images and masks: python -m datasets.build_tfrecords --data_dir=my_images

Everything is checked first. A run that was interrupted goes on where it stopped when the same
command is given again.""",
    main="deeplab.commands.build_tfrecords",
    options=(BuildOptions, BuildingOptions),
)
