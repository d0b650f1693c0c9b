"""The command infer.py of classification: its words and its flags."""

import dataclasses

from commands.command import Command
from commands.shared_options import ToldImagesOptions
from common.option_fields import RESULTS, change, changed, option


@dataclasses.dataclass(frozen=True)
class _InferOptions(ToldImagesOptions):
    """What is told of each image, and where."""

    top: int = option(
        5,
        "Number of classes that are told of each image, the most probable ones.",
        RESULTS,
        is_common=True,
        lower=1,
        aliases=("k", "top_k", "topk", "num_top_predictions"),
    )


InferOptions = changed(
    _InferOptions,
    output=change(None, help="File for the results, .csv or .json; they are printed in any case."),
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
