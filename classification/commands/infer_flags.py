"""The command infer.py of classification: its words and its flags."""

import dataclasses

from commands.command import Command
from commands.shared_options import EngineOptions
from common.option_fields import HARDWARE, RESULTS, option


@dataclasses.dataclass(frozen=True)
class InferOptions(EngineOptions):
    """What is told of each image, and where."""

    top: int = option(
        5,
        "Number of classes that are told of each image, the most probable ones.",
        RESULTS,
        is_common=True,
        lower=1,
        aliases=("k", "top_k", "topk", "num_top_predictions"),
    )
    output: str | None = option(
        None,
        "File for the results, .csv or .json; they are printed in any case.",
        RESULTS,
        is_common=True,
        aliases=("out", "o", "output_file"),
    )
    batch_size: int = option(
        8,
        "Images that are classified together; those of one size run through the network at once.",
        HARDWARE,
        is_common=True,
        lower=1,
        aliases=("batch",),
    )
    memory_limit_mb: int = option(
        2048,
        "Megabytes that images being read may take together; one that alone takes more is refused "
        "by name.",
        HARDWARE,
        lower=1,
    )


COMMAND = Command(
    description="""\
Tells the classes of images: python infer.py photo.jpg holiday/ --output=classes.csv

For every image: the most probable classes, with their probabilities. An image that cannot be read
is reported and the rest goes on; the exit status is then 1.""",
    main="classification.commands.infer",
    options=(InferOptions,),
    positional="IMAGES…: files, folders or patterns",
    needs_tensorflow=False,
)
