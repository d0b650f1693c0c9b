"""The command datasets.build_tfrecords of classification: its words and its flags."""

import dataclasses

from commands.build_options import BuildingOptions
from commands.command import Command
from common.option_fields import DATA, change, changed, option

# Of `datasets.classification.sources`, which imports TensorFlow.
_SOURCES = ("class_folders", "class_demo", "csv_labels", "cifar")


@dataclasses.dataclass(frozen=True)
class BuildOptions:
    """What is read."""

    dataset: str | None = option(
        None,
        "What data_dir holds: a folder of images per class (class_folders), images and a table of "
        "their labels (csv_labels), the batches of CIFAR-10 or CIFAR-100 (cifar), or the demo, "
        "which is drawn if it does not exist.",
        DATA,
        is_common=True,
        choices=_SOURCES,
        computed_default="class_folders with data_dir, class_demo without",
    )
    data_dir: str | None = option(
        None,
        "Folder of the images.",
        DATA,
        is_common=True,
        computed_default="for the demo, data/class_demo",
        aliases=("input", "input_dir", "images", "image_dir", "root"),
    )
    class_names_file: str | None = option(
        None,
        "Text file that orders or renames the classes: a name per line, or a folder's name and the "
        "class's.",
        DATA,
        is_common=True,
        computed_default="names of the folders, or labels, in alphabetical order",
        aliases=("classes_file", "classes", "class_names", "labels"),
    )
    labels_csv: str | None = option(
        None,
        "Table of the images, for csv_labels: columns file, label and, optionally, split, with or "
        "without a header, separated by commas, semicolons or tabs.",
        DATA,
        is_common=True,
        computed_default="labels.csv in data_dir",
        aliases=("csv", "csv_file", "annotations"),
    )
    val_fraction: float | None = option(
        None,
        "Share of each class that becomes the split val, for data without one.",
        DATA,
        is_common=True,
        computed_default="0.2 for data without any splits, else none",
        aliases=("val_split", "test_size", "split"),
    )
    seed: int = option(
        0, "Another seed chooses other images for val_fraction; nothing else changes.", DATA
    )


ClassificationBuildingOptions = changed(
    BuildingOptions,
    num_shards=change(None, computed_default="about one per 512 images"),
)

COMMAND = Command(
    description="""\
Builds TFRecords from images and their classes:
python -m datasets.build_tfrecords --dataset=class_folders --data_dir=my_images

Everything is checked first. A run that was interrupted goes on where it stopped when the same
command is given again.""",
    main="classification.commands.build_tfrecords",
    options=(BuildOptions, ClassificationBuildingOptions),
)
