"""Writes, reads and shows records: `python -m datasets.records.raw_images`."""

import dataclasses

from commands import launcher
from commands.command import Command
from common.option_fields import DATA, option


@dataclasses.dataclass(frozen=True)
class RawImagesOptions:
    """What of the records is told."""

    num_records: int = option(
        3,
        "How many records of each file read and show tell about; 0 for all.",
        DATA,
        is_common=True,
        lower=0,
    )
    output: str | None = option(
        None,
        "Folder into which read and show write the images of these records.",
        DATA,
        is_common=True,
        computed_default="none are written",
        aliases=("output_dir", "images"),
    )


COMMAND = Command(
    description="""\
Writes, reads and shows records:
python -m datasets.records.raw_images write FOLDER FILE   images with labels -> raw pixels
python -m datasets.records.raw_images read FILE…          reads those with tf.data
python -m datasets.records.raw_images show FILE…          lists the features of any TFRecord file
FOLDER has a folder of images for each class, or images and labels.csv with lines FILE,LABEL.
docs/records.md explains the records.""",
    main="datasets.records.raw_image_actions",
    options=(RawImagesOptions,),
    positional="write FOLDER FILE|read FILE…|show FILE…",
)

if __name__ == "__main__":
    launcher.execute(COMMAND)
