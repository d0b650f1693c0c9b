"""Options that several commands of classification share."""

import dataclasses

from commands import unknown_flags
from common.option_fields import DATA, HARDWARE, option


def explain_classes(name: str) -> str | None:
    """Explains flags such as `--num_classes`, which a command that reads a dataset lacks."""
    return unknown_flags.explain_classes(name, "docs/classification.md")


@dataclasses.dataclass(frozen=True)
class EvaluatedViewOptions:
    """What may differ between training and use of a classifier."""

    eval_image_size: int | None = option(
        None,
        "Height and width of the network's input in pixels, if not as trained. A fifth larger than "
        "in training is often a little better.",
        DATA,
        lower=1,
        computed_default="as trained",
        aliases=("image_size", "train_image_size", "input_size", "size"),
    )


@dataclasses.dataclass(frozen=True)
class BatchOptions:
    """How many images run at once."""

    eval_batch_size: int = option(
        32,
        "Images in a batch.",
        HARDWARE,
        is_common=True,
        lower=1,
        aliases=("batch_size", "batch"),
    )
