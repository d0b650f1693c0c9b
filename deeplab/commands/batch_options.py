"""Fields of the commands that run a trained network on batches of padded images."""

from typing import Any

from common.option_fields import DATA, HARDWARE, option


def batch_size_option(is_common: bool = False) -> Any:
    """Returns the field of the batch size."""
    return option(
        1,
        "Images in a batch. Larger batches take more memory, and are faster on a GPU.",
        HARDWARE,
        is_common=is_common,
        aliases=("batch_size", "batch"),
    )


def crop_size_option(is_common: bool = False) -> Any:
    """Returns the field of the size that images are padded to."""
    return option(
        None,
        "height,width in pixels that every image is padded to, each a multiple of output_stride "
        "plus one.",
        DATA,
        is_common=is_common,
        computed_default="the smallest that holds every image of the split",
        aliases=("crop_size", "crop"),
    )
