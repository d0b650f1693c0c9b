"""Reads TIFFs with more bands than Pillow reads, as satellites and planes take them, by rasterio.

The first three bands count as red, green and blue.
"""

import importlib.util
import io
import logging
import math
import warnings
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from common.texts import printable

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BIG = b"+"
_WIDTH, _HEIGHT, _BITS, _COUNT, _FORMAT = 256, 257, 258, 277, 339  # Tags.
_FORMATS = {2: "signed integers", 3: "floating point numbers"}
_SCALE = "gdal_translate -b 1 -b 2 -b 3 -ot Byte -scale LOW HIGH 0 255 IN.tif OUT.tif"

# Pillow writes a line, without the file's name, about each file that is read here.
logging.getLogger("PIL.TiffImagePlugin").setLevel(logging.CRITICAL)


class Bands(NamedTuple):
    """What the head of a TIFF says."""

    number: int
    bits: int
    kind: str | None  # of numbers that are not integers from 0 on
    size: tuple[int, int]  # height, width

    @property
    def num_pixels(self) -> int:
        return self.size[0] * self.size[1]


def read_head(file: BinaryIO) -> Bands | None:
    """Reads the head of a file; None if it is no TIFF, or cannot be read."""
    head = file.read(8)
    if head[:4] not in _MAGIC:
        return None
    try:
        if _BIG in head[:4]:
            head += file.read(8)
        tags = ImageFileDirectory_v2(head)
        file.seek(tags.next)
        tags.load(file)
        kind = _FORMATS.get(max(tags.get(_FORMAT, (1,))))
        size = int(tags[_HEIGHT]), int(tags[_WIDTH])
        return Bands(int(tags.get(_COUNT, 1)), max(tags.get(_BITS, (1,))), kind, size)
    except Exception:  # Pillow raises many types on damaged bytes.
        return None


def read(data: bytes, path: str) -> tuple[Image.Image, int] | None:
    """Reads a TIFF that Pillow does not.

    Args:
      data: the bytes of the file.
      path: its name, for errors.

    Returns:
      The first three bands as RGB, and the number of bands; None if it is no TIFF, or has more
      pixels than `PIL.Image.MAX_IMAGE_PIXELS` allows.

    Raises:
      ValueError: it has other values than 0..255, fewer than three bands, or is damaged; or
        rasterio is not installed. The message names it.
    """
    bands = read_head(io.BytesIO(data))
    if bands is None or bands.num_pixels > 2 * (Image.MAX_IMAGE_PIXELS or math.inf):
        return None  # What Pillow said of it stands.
    name = printable(path)
    what = f"a TIFF of {bands.number} bands of {bands.bits} bits"
    if bands.bits != 8 or bands.kind:
        numbers = f", {bands.kind}" if bands.kind else ""
        raise ValueError(
            f"{name}: {what}{numbers}; images have 8 bits per channel. Scale its values to 0..255 "
            f"as suits your data, all images alike: {_SCALE}"
        )
    if bands.number < 3:
        raise ValueError(f"{name}: {what}, of a kind that is not read. Save it as 8-bit RGB.")
    if importlib.util.find_spec("rasterio") is None:
        raise ValueError(
            f"{name}: {what}, which rasterio reads: make setup-geo installs it. Or keep three "
            "bands: gdal_translate -b 1 -b 2 -b 3 -co PHOTOMETRIC=RGB IN.tif OUT.tif"
        )
    return Image.fromarray(_read_rgb(data, name)), bands.number


def _read_rgb(data: bytes, name: str) -> np.ndarray:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
    try:
        with rasterio.MemoryFile(data) as file, file.open(driver="GTiff") as source:
            return np.ascontiguousarray(source.read([1, 2, 3]).transpose(1, 2, 0))
    except (RasterioError, OSError) as error:
        reason = printable(" ".join(str(error).split()))
        raise ValueError(
            f"{name}: truncated or damaged ({reason}). Copy it again, or remove it."
        ) from None
