"""The command datasets.describe_tfrecords of classification: its words and its flags."""

import dataclasses

from commands.build_options import DescriptionOptions
from commands.command import Command
from common.option_fields import DATA, option


@dataclasses.dataclass(frozen=True)
class DescribeOptions(DescriptionOptions):
    """What the records are, and where they are."""

    tfrecords: str | None = option(
        None,
        "Folder of the shards, such as train-00000-of-01024 or flowers_train_00000-of-00005."
        "tfrecord; dataset.json goes there.",
        DATA,
        is_common=True,
        aliases=("data_dir", "dataset_dir", "input"),
    )
    class_names: tuple[str, ...] = option(
        (),
        "Name of each class id, from 0 on, comma separated; or from 1 on, if the records have no "
        "label 0, as ImageNet's: 0 is called background then.",
        DATA,
        is_common=True,
        computed_default="labels.txt beside the shards, or the names in the records",
        aliases=("classes", "names"),
    )
    class_names_file: str | None = option(
        None,
        "Text file of the names, a line each: a name, or ID:NAME.",
        DATA,
        is_common=True,
        aliases=("classes_file", "labels", "labels_file"),
    )


COMMAND = Command(
    description="""\
Describes TFRecords of images and labels that another program wrote, such as TF-slim's:
python -m datasets.describe_tfrecords --task=classification --tfrecords=DIR

It writes their dataset.json, so that they can be trained on.

The records have TF-slim's keys (docs/classification.md lists them); of these the image, the label
and the file name are read. Every image is decoded, as training does it. Nothing in the shards is
changed.""",
    main="classification.commands.describe_tfrecords",
    options=(DescribeOptions,),
)
