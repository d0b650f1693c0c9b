"""Which images and masks a command reads, and as what."""

import dataclasses

from commands.dataset_sources import SOURCES
from common.option_fields import DATA, option

# Of a module that imports TensorFlow: `segmentation.sources.annotated`.
_OVERLAPS = ("file_order", "small_above_large")


@dataclasses.dataclass(frozen=True)
class SourceOptions:
    """What is read."""

    dataset: str | None = option(
        None,
        "What data_dir holds: images and masks of your own (folder), the export of a labelling "
        "tool, a published dataset, or the demo, which is drawn if it does not exist.",
        DATA,
        is_common=True,
        choices=SOURCES["deeplab"],
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
