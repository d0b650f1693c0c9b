"""The command datasets.build_tfrecords: its words and its flags."""

import dataclasses

from commands.build_options import BuildingOptions
from commands.command import Command
from commands.dataset_sources import SOURCES
from common.option_fields import DATA, RESULTS, option

# Of modules that import TensorFlow: `segmentation.sources`, `record_format`.
_SOURCES = SOURCES["deeplab"]
_GRADIENT_FORMATS = ("int16", "png")
# `segmentation.sources.annotated`.
_OVERLAPS = ("file_order", "small_above_large")


@dataclasses.dataclass(frozen=True)
class BuildOptions:
    """What is read, and what of it is written."""

    dataset: str | None = option(
        None,
        "What data_dir holds: images and masks of your own (folder), the export of a labelling "
        "tool, a published dataset, or the demo, which is drawn if it does not exist.",
        DATA,
        is_common=True,
        choices=_SOURCES,
        computed_default="what is found in data_dir, demo without",
    )
    data_dir: str | None = option(
        None,
        "Folder of the images and masks.",
        DATA,
        is_common=True,
        computed_default="for the demo, data/demo",
        aliases=("input", "input_dir", "images", "image_dir", "root"),
    )
    classes_file: str | None = option(
        None,
        "JSON file of class names, colors and ignore label, for images of your own.",
        DATA,
        is_common=True,
        computed_default="classes.json in data_dir, if it exists",
        aliases=("classes", "class_names", "labels"),
    )
    mask_values: str | None = option(
        None,
        "Which class each value of the masks is, as VALUE:ID pairs, for masks of your own whose "
        "values are not class ids: 0:0,255:1 for masks of 0 and 255. Name every value that occurs; "
        "255:255 keeps 255 ignored.",
        DATA,
        is_common=True,
        computed_default="values are class ids",
    )
    overlaps: str | None = option(
        None,
        "Which of two regions of a labelling tool lies above: the later one in its file, or the "
        "smaller one.",
        DATA,
        choices=_OVERLAPS,
        computed_default="as the tool itself does it; small_above_large for COCO's JSON",
    )
    val_fraction: float | None = option(
        None,
        "Share of the images that becomes the split val, for a folder without splits.",
        DATA,
        is_common=True,
        computed_default="0.2",
        aliases=("val_split", "test_size", "split"),
    )
    seed: int = option(
        0, "Another seed chooses other images for val_fraction; nothing else changes.", DATA
    )
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
