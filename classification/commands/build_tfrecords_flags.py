"""The command datasets.build_tfrecords of classification: its words and its flags."""

import dataclasses

from commands.command import Command
from common.option_fields import DATA, HARDWARE, RESULTS, option

# Of modules that import TensorFlow: `classification.sources`, `tfrecords`.
_SOURCES = ("class_folders", "class_demo", "csv_labels", "cifar")
_MAX_SHARDS = 99999


@dataclasses.dataclass(frozen=True)
class BuildOptions:
    """What is read, and what is written."""

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
    output_dir: str | None = option(
        None,
        "Folder of the records.",
        RESULTS,
        is_common=True,
        computed_default=(
            "data/tfrecords/NAME, where NAME is the name of the dataset or, for images of your "
            "own, that of their folder"
        ),
        aliases=("output", "out"),
    )
    num_shards: int | None = option(
        None,
        "Shards per split.",
        RESULTS,
        lower=1,
        upper=_MAX_SHARDS,
        computed_default="about one per 512 images",
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
    on_error: str = option(
        "fail",
        "What to do with images that cannot be used: fail before anything is written, or skip "
        "them.",
        DATA,
        is_common=True,
        choices=("fail", "skip"),
    )
    check: bool = option(
        True,
        "Check everything before writing. --nocheck saves that time on data that were checked "
        "before; files that cannot be read are noticed all the same.",
        DATA,
    )
    check_only: bool = option(
        False,
        "Only check and report; write nothing. Exit status 1 if there are errors.",
        DATA,
        is_common=True,
    )
    num_workers: int | None = option(
        None,
        "Threads that read and encode images.",
        HARDWARE,
        lower=1,
        computed_default="one per core",
        aliases=("workers", "threads", "num_threads", "jobs"),
    )
    memory_limit_mb: int = option(
        4096,
        "Megabytes that the images being processed may take together, besides the 600 of the "
        "program: with huge images fewer are processed at once, and one that alone takes more is "
        "an error.",
        HARDWARE,
        lower=1,
    )
    runner: str | None = option(
        None,
        "Convert on Apache Beam with this runner, such as DirectRunner (this machine), FlinkRunner "
        "or DataflowRunner, instead of threads. Needs `make setup-beam`; the check still runs "
        "here.",
        HARDWARE,
    )
    beam_options: str = option(
        "",
        "Further options of Beam and its runner, in one string: '--direct_num_workers=2'.",
        HARDWARE,
    )


COMMAND = Command(
    description="""\
Builds TFRecords from images and their classes:
python -m datasets.build_tfrecords --dataset=class_folders --data_dir=my_images

Everything is checked first. A run that was interrupted goes on where it stopped when the same
command is given again.""",
    main="classification.commands.build_tfrecords",
    options=(BuildOptions,),
)
