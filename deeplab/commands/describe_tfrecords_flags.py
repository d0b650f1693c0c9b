"""The command datasets.describe_tfrecords: its words and its flags."""

import dataclasses

from commands.build_options import DescriptionOptions
from commands.command import Command
from common.option_fields import DATA, option


@dataclasses.dataclass(frozen=True)
class DescribeOptions(DescriptionOptions):
    """What the records are, and where they are."""

    tfrecords: str | None = option(
        None,
        "Folder of the shards, such as train-00000-of-00010 or val.tfrecord; dataset.json goes "
        "there.",
        DATA,
        is_common=True,
        aliases=("data_dir", "dataset_dir", "input"),
    )
    class_names: tuple[str, ...] = option(
        (),
        "Name of each class id, from 0 on, comma separated.",
        DATA,
        is_common=True,
        computed_default="class_0, class_1, … up to the largest id in the masks",
        aliases=("classes", "names"),
    )
    palette: tuple[str, ...] = option(
        (),
        "Color of each class id, such as #000000,#3c3cc8.",
        DATA,
        is_common=True,
        computed_default="those of PASCAL VOC",
        aliases=("colors",),
    )
    ignore_label: int = option(
        255,
        "Id of pixels that are never trained on or scored; may be one of the classes.",
        DATA,
        is_common=True,
        lower=0,
        upper=255,
    )
    classes_file: str | None = option(
        None,
        "classes.json with names, palette and ignore_label, in place of the three flags.",
        DATA,
        is_common=True,
    )


COMMAND = Command(
    description="""\
Describes TFRecords of another program: python -m datasets.describe_tfrecords --tfrecords=DIR

It writes their dataset.json, so that they can be trained on.

The records have the keys of research/deeplab (docs/datasets.md lists them); of these the image, the
mask and the file name are read. Every record is decoded, as training does it, and pixels are
counted. Nothing in the shards is changed.""",
    main="deeplab.commands.describe_tfrecords",
    options=(DescribeOptions,),
)
