"""How much memory the images of a dataset may take while they are checked and converted.

A JPEG of 2 MB may hold 144 million pixels, which take gigabytes when decoded and filtered, and
every thread holds one while others wait for their turn. So what is in work is bounded by the number
of pixels, which the head of a file says, and not only by the number of images.
"""

import dataclasses
import os

from PIL import Image

from common import image_files
from datasets.images import many_bands

DEFAULT_LIMIT_MB = 4096

# Of an example, all copies and its record included: an upper bound of what was measured for a
# conversion with gradient channel; a check takes less.
_BYTES_PER_PIXEL = 20


@dataclasses.dataclass(frozen=True)
class MemoryLimit:
    """The memory, about, that the images in work may take together."""

    megabytes: int = DEFAULT_LIMIT_MB

    @property
    def max_pixels(self) -> int:
        """The most pixels in work at once."""
        return (self.megabytes << 20) // _BYTES_PER_PIXEL

    def describe_excess(self, num_pixels: int, *paths: str) -> tuple[str, str]:
        """Returns which file alone takes more than the limit, and what is wrong with it."""
        needed = -(-num_pixels * _BYTES_PER_PIXEL >> 20)
        return max(paths, key=count_pixels), (
            f"{num_pixels / 1e6:.1f} million pixels take about {needed} MB of memory, more "
            f"than memory_limit_mb, {self.megabytes}. Cut it into tiles, scale it down, or give "
            f"--memory_limit_mb={needed}."
        )


def count_pixels(*paths: str) -> int:
    """Returns the pixels of the largest of some images, by the heads of their files.

    A file that cannot be read, or that Pillow refuses for its size, counts as 0: whoever reads it
    reports it.
    """
    return max(map(_count_pixels, paths))


def _count_pixels(path: str) -> int:
    if not os.path.isfile(path):  # Opening a pipe would wait for its writer, and take its data.
        return 0
    try:
        with Image.open(path, formats=image_files.FORMATS) as image:
            return image.width * image.height
    except Exception:  # Pillow's decoders raise many types on damaged bytes.
        with open(path, "rb") as file:
            bands = many_bands.read_head(file)
        return bands.num_pixels if bands is not None else 0
