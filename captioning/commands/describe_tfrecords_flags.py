"""The command datasets.describe_tfrecords of captioning: its words and its flags."""

import dataclasses

from commands.build_options import DescriptionOptions
from commands.command import Command
from common.option_fields import DATA, option

# Of `datasets.captioning.tokens`, which is imported when the command runs.
_SPLITTINGS = ("im2txt", "tutorial")


@dataclasses.dataclass(frozen=True)
class DescribeOptions(DescriptionOptions):
    """What the records are, and where they are."""

    tfrecords: str | None = option(
        None,
        "Folder of the shards, such as train-00000-of-00256; dataset.json goes there.",
        DATA,
        is_common=True,
        aliases=("data_dir", "dataset_dir", "input"),
    )
    word_counts_file: str | None = option(
        None,
        "The word_counts.txt that was written with the shards: the words of the ids.",
        DATA,
        is_common=True,
        computed_default="word_counts.txt beside the shards",
        synonyms=("vocab_file", "word_counts_output_file"),
        aliases=("vocabulary",),
    )
    splitting: str | None = option(
        None,
        "How captions became words; of use where more captions are to be split alike.",
        DATA,
        choices=_SPLITTINGS,
        computed_default="that of a dataset.json that is replaced, else im2txt",
        aliases=("tokenizer", "tokens"),
    )


COMMAND = Command(
    description="""\
Describes TFRecords of images and captions that another program wrote, such as research/im2txt's:
python -m datasets.describe_tfrecords --task=captioning --tfrecords=DIR

It writes their dataset.json, so that they can be trained on.

The records have im2txt's keys or this project's (docs/captioning.md lists them). Every image is
decoded, as training does it, and every word compared with word_counts.txt. Nothing in the shards is
changed.""",
    main="captioning.commands.describe_tfrecords",
    options=(DescribeOptions,),
)
