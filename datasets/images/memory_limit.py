"""How much memory the images of a dataset may take while they are checked and converted.

A JPEG of 2 MB may hold 144 million pixels, which decoded and filtered take gigabytes, and one per
thread and those that wait for their turn take several times that. So images are admitted by their
pixels, which the head of a file tells, and not only by their number.
"""

import dataclasses
import os
import struct
from typing import BinaryIO

from PIL import Image

from common import image_files
from datasets.images import png_file
from datasets.segmentation.sources.source import Sample

DEFAULT_LIMIT_MB = 4096

# Of an example, all copies and its record included: an upper bound of what was measured for a
# conversion with gradient channel; a check takes less.
_BYTES_PER_PIXEL = 20

_JPEG_START = b"\xff\xd8"
# Markers of frames, which tell the size: C0 to CF without the tables among them.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclasses.dataclass(frozen=True)
class MemoryLimit:
    """The memory that the images in work may take together.

    Attributes:
      megabytes: that, about.

    Raises:
      ValueError: it is less than one.
    """

    megabytes: int = DEFAULT_LIMIT_MB

    def __post_init__(self):
        if self.megabytes < 1:
            raise ValueError(f"memory_limit_mb is {self.megabytes}; expected 1 or more.")

    @property
    def max_pixels(self) -> int:
        """The most pixels in work at once."""
        return (self.megabytes << 20) // _BYTES_PER_PIXEL

    def describe_excess(self, sample: Sample, num_pixels: int) -> tuple[str, str]:
        """Returns the file that alone takes more than the limit, and what is wrong with it."""
        needed = -(-num_pixels * _BYTES_PER_PIXEL >> 20)
        path = max((sample.image_path, sample.mask_path), key=count_pixels)
        return path, (
            f"{num_pixels / 1e6:.1f} million pixels take about {needed} MB of memory, more "
            f"than memory_limit_mb, {self.megabytes}. Cut it into tiles, scale it down, or give "
            f"--memory_limit_mb={needed}."
        )


def count_example_pixels(sample: Sample) -> int:
    """Returns the pixels of an example's larger file; 0 where neither can be read."""
    return max(count_pixels(sample.image_path), count_pixels(sample.mask_path))


def count_pixels(path: str) -> int:
    """Returns the pixels of an image by the head of its file, in a fraction of Pillow's time.

    Returns:
      Width times height; 0 for a file that cannot be read or that Pillow refuses for its size: who
      reads it says so.
    """
    if not os.path.isfile(path):  # To open a pipe would wait for its writer, and take its data.
        return 0
    try:
        with open(path, "rb") as file:
            width, height = _read_size(file)
    except Exception:  # Pillow's decoders raise many types on damaged bytes.
        return 0
    is_refused = Image.MAX_IMAGE_PIXELS and width * height > 2 * Image.MAX_IMAGE_PIXELS
    return 0 if is_refused else width * height


def _read_size(file: BinaryIO) -> tuple[int, int]:
    head = file.read(24)
    if head.startswith(png_file.SIGNATURE):
        return struct.unpack_from(">II", head, 16)
    if head.startswith(_JPEG_START):
        return _read_jpeg_size(file)
    file.seek(0)
    with Image.open(file, formats=image_files.FORMATS) as image:
        return image.size


def _read_jpeg_size(file: BinaryIO) -> tuple[int, int]:
    """Walks over the segments of a JPEG file to its frame."""
    offset = len(_JPEG_START)
    while True:
        file.seek(offset)
        mark, marker, length = struct.unpack(">BBH", file.read(4))
        if mark != 0xFF:
            raise ValueError("no marker")
        if marker == 0xFF:  # Filling.
            offset += 1
        elif marker in _JPEG_FRAMES:
            height, width = struct.unpack(">xHH", file.read(5))
            return width, height
        else:
            offset += 2 + length
