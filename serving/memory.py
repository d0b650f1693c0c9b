"""How much memory images take from reading to writing, and how much there is."""

import contextlib
import ctypes
import dataclasses
import os

from common import image_files, memory, texts
from serving import geotiff, results

MIB = 1 << 20

# Bytes per pixel while a file is decoded (measured; docs/serving.md): Pillow's four, four more for
# a conversion, and what the decoder keeps.
_READ_BYTES = {"WEBP": 17, "AVIF": 12}
_READ_BYTES_OF_OTHERS = 9
# Of RGB images that are neither converted nor turned.
_READ_BYTES_AS_THEY_ARE = 5
_FORMATS_READ_BY_ROWS = ("JPEG", "PNG", "BMP", "PPM")
# A progressive JPEG's decoder holds the coefficients of the whole image, two bytes each.
_PROGRESSIVE_BYTES = 2
# From the network to the end: the image and its ids.
_IMAGE_BYTES = 4
_HELD_BYTES = _IMAGE_BYTES + 1
# While results are written: the encoded mask, then the overlay with a legend of up to half its
# height, and the encoded JPEG. That of a huge image is reduced, and a copy.
_MASK_BYTES = 1
_PANEL_BYTES = 6
_OVERLAY_BYTES = _PANEL_BYTES + 3
_REDUCED_BYTES = 4
_LEGEND_WIDTH = 500
# More bytes for each pixel of the band that is painted or brought to size.
_BAND_BYTES = 30
_BAND_PIXELS = 3_000_000
# A graph that resizes images itself holds several copies of them as 32-bit numbers.
GRAPH_BYTES = 64
# Probabilities: float32, and a float16 copy while they are written.
_PROBABILITY_BYTES = 6
# Kept free in addition to what is counted.
_MARGIN_BYTES = 100 * MIB
# Share of the free memory: other programs need some, and the figures above are not exact.
_DEFAULT_SHARE = 0.7
# Formats whose decoders hold the whole file, or strips of any size, beside the pixels.
_FORMATS_READ_WHOLE = ("WEBP", "AVIF", "TIFF")


@dataclasses.dataclass(frozen=True)
class Head:
    """What the first bytes of an image file say.

    Attributes:
      height, width: pixels as they are stored, before EXIF turns them.
      read_bytes: memory that decoding takes.
    """

    height: int
    width: int
    read_bytes: int


def read_head(path: str) -> Head:
    """Reads the size of an image without decoding it.

    Raises:
      OSError: the file cannot be opened.
      ValueError: it is damaged or no image; the message names it.
    """
    with open(path, "rb") as file:
        image = image_files.open_image(file, path)
        per_pixel = _READ_BYTES.get(image.format or "", _READ_BYTES_OF_OTHERS)
        is_upright_rgb = image.mode == "RGB" and "exif" not in image.info
        if is_upright_rgb and image.format in _FORMATS_READ_BY_ROWS:
            per_pixel = _READ_BYTES_AS_THEY_ARE
        if image.info.get("progressive"):
            num_channels = len(image.getbands())
            pixel_bytes = 1 if num_channels == 1 else 4
            per_pixel = max(per_pixel, pixel_bytes + _PROGRESSIVE_BYTES * num_channels)
        num_bytes = per_pixel * image.width * image.height
        if image.format in _FORMATS_READ_WHOLE:
            num_bytes += os.fstat(file.fileno()).st_size
        return Head(image.height, image.width, num_bytes)


def georeferenced_head(facts: geotiff.GeoFacts) -> Head:
    """Returns the head of a TIFF that is read through rasterio."""
    # The channels, once as they are stored and once as they are used, and Pillow's copy.
    return Head(facts.height, facts.width, 10 * facts.height * facts.width)


def windows_bytes(head: Head, tile_bytes: int) -> int:
    """Returns the most bytes that an image takes that is read and written by windows."""
    factor = results.overlay_reduction(head.height, head.width)
    num_drawn = -(-head.height // factor) * -(-head.width // factor)
    drawing = (10 + 1 + _OVERLAY_BYTES) * num_drawn + _BAND_BYTES * min(num_drawn, _BAND_PIXELS)
    return max(tile_bytes, drawing)


def image_bytes(
    head: Head, num_probabilities: int, resizes_inside: bool, tile_bytes: int = 0
) -> int:
    """Returns the most bytes that an image takes from reading to writing.

    Args:
      head: of the image file.
      num_probabilities: classes whose probabilities are written; 0 for none.
      resizes_inside: whether the graph is given the image at its own size, whatever that is.
      tile_bytes: what blending its tiles takes, if it is tiled.
    """
    num_pixels = head.height * head.width
    per_pixel = _HELD_BYTES + _PROBABILITY_BYTES * num_probabilities
    per_pixel += GRAPH_BYTES if resizes_inside and not tile_bytes else 0
    factor = results.overlay_reduction(head.height, head.width)
    overlay = _OVERLAY_BYTES + (_REDUCED_BYTES if factor > 1 else 0)
    written = overlay / factor**2
    if factor > 1:  # The image itself is gone when its reduced copy is painted.
        written = max(_REDUCED_BYTES / factor**2, written - _IMAGE_BYTES)
    written = max(_MASK_BYTES, written)
    bands = _BAND_BYTES * min(num_pixels, _BAND_PIXELS)
    # The legend of a narrow image widens the whole overlay.
    legend = _PANEL_BYTES * head.height * max(0, _LEGEND_WIDTH - head.width)
    writing = int(written * num_pixels) + bands + legend
    return max(head.read_bytes, per_pixel * num_pixels + max(tile_bytes, writing))


class TooLargeError(ValueError):
    """An image takes more memory than is left; on another machine or day it may not."""


class Budget:
    """Bounds the memory of a process by bounding the images that it holds.

    Attributes:
      limit: bytes that the process may take.
      for_others: bytes of the process besides images, as of the last `measure`.
      for_images: bytes of the limit that are left for images.
    """

    def __init__(self, limit: int):
        self.limit = limit
        self.measure()

    def measure(self) -> None:
        """Measures what is left for images; to be called while there are none."""
        with contextlib.suppress(OSError, AttributeError):  # Only GNU's C library has it.
            ctypes.CDLL(None).malloc_trim(0)  # Gives freed memory back to the system.
        self.for_others = resident_bytes() + _MARGIN_BYTES
        self.for_images = max(0, self.limit - self.for_others)

    def refusal(self, path: str, head: Head, num_bytes: int) -> "TooLargeError":
        """Returns why an image that takes `num_bytes` is not read."""
        # The limit does not enter: it may be below what the model alone takes.
        needed = self.for_others + num_bytes
        return TooLargeError(
            f"{texts.printable(path)}: {head.height}x{head.width} pixels (height x width) take "
            f"about {_in_mb(num_bytes)} MB from reading to writing; the limit is "
            f"{_in_mb(self.limit)} MB, of which the model leaves {_in_mb(self.for_images)} MB. "
            f"Allow more with --memory_limit_mb={_in_mb(needed)}, or cut the image into parts."
        )


def default_limit() -> int:
    """Returns the bytes that a process may take by default: most of what is free."""
    available = memory.available_bytes(with_swap=False)
    if available is None:  # Not Linux.
        available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return int(_DEFAULT_SHARE * available)


def resident_bytes() -> int:
    """Returns the memory that this process has now; 0 if unknown."""
    try:
        with open("/proc/self/statm", encoding="utf-8") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _in_mb(num_bytes: int) -> int:
    return -(-num_bytes // MIB)
