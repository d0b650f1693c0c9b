"""The command infer.py: its words and its flags."""

import dataclasses

from commands.command import Command
from commands.shared_options import EngineOptions
from common.option_fields import HARDWARE, RESULTS, option

# As in `serving.results`, which imports TensorFlow.
_ID_FORMATS = ("npy", "png")


@dataclasses.dataclass(frozen=True)
class InferOptions(EngineOptions):
    """What is written, and what it may take."""

    output: str = option(
        "masks",
        "Folder for the results; created if it does not exist.",
        RESULTS,
        is_common=True,
        aliases=("output_dir", "out", "o"),
    )
    opacity: float = option(
        0.5,
        "Opacity of the mask in the overlay, 0 to 1.",
        RESULTS,
        is_common=True,
        lower=0.0,
        upper=1.0,
        aliases=("alpha",),
    )
    legend: bool = option(
        True, "Whether the overlay has a legend below the image.", RESULTS, is_common=True
    )
    save_ids: str | None = option(
        None,
        "Also write the plain class ids: png (8-bit gray) or npy (int32).",
        RESULTS,
        is_common=True,
        choices=_ID_FORMATS,
    )
    save_probabilities: bool = option(
        False,
        "Also write NAME_probabilities.npz: float16 [height, width, classes]. Large: 20 MB for a "
        "photograph of 1000x1000 pixels and 21 classes, uncompressed twice as much.",
        RESULTS,
        is_common=True,
    )
    batch_size: int = option(
        4,
        "Images that are read, segmented and written together; those of one size run through the "
        "network at once.",
        HARDWARE,
        is_common=True,
        lower=1,
        aliases=("batch",),
    )
    memory_limit_mb: int | None = option(
        None,
        "Memory in MB that the command may take, the network included: fewer images are held at "
        "once, and one that does not fit is refused by name.",
        HARDWARE,
        is_common=True,
        lower=1,
        computed_default="70% of what the machine, or the container, has free",
    )


COMMAND = Command(
    description="""\
Writes colored masks of images: python infer.py photo.jpg holiday/ 'scans/**/*.png'

For every image: NAME_mask.png, a palette PNG whose indices are the class ids, and NAME_overlay.jpg,
the mask painted over the image, with a legend. Both have the image's own size (the overlay plus its
legend). An image that cannot be read is reported and the rest goes on; the exit status is then 1.
Images larger than the model takes are shrunk for it, with a warning.""",
    main="deeplab.commands.infer",
    options=(InferOptions,),
    positional="IMAGES…: files, folders or patterns",
)
