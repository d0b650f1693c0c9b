"""Images as a style transfer sees them: float32 [height, width, 3], RGB, 0..255."""

import os

import numpy as np
from PIL import Image

from common import files
from common.texts import printable
from datasets.images import decoding

_JPEG_QUALITY = 95
# Endings of the files that are written, and what Pillow calls them.
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF"}
_SMALLEST_SIDE = 16


def read(path: str) -> Image.Image:
    """Reads an image of any kind, upright.

    Raises:
      OSError: the file cannot be opened.
      ValueError: it is damaged or of a refused kind; the message names it.
    """
    pixels = decoding.decode_image(path).rgb
    assert pixels is not None
    return Image.fromarray(pixels)


def fitted_size(image: Image.Image, longer_side: int) -> tuple[int, int]:
    """Returns height and width of an image whose longer side has some pixels."""
    scale = longer_side / max(image.size)
    return max(1, round(image.height * scale)), max(1, round(image.width * scale))


def resized(image: Image.Image, size: tuple[int, int], path: str) -> np.ndarray:
    """Returns an image of another size (height, width).

    Raises:
      ValueError: it is too small for a VGG; names the image.
    """
    if min(size) < _SMALLEST_SIDE:
        raise ValueError(
            f"{printable(path)} would be {size[1]}x{size[0]}; expected {_SMALLEST_SIDE} pixels or "
            "more to each side: give a larger --image_size or fewer --num_scales, or crop it."
        )
    return np.asarray(image.resize(size[::-1], Image.Resampling.LANCZOS), np.float32)


def enlarged(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns an image of floating point values at another size (height, width)."""
    channels = [
        Image.fromarray(values[..., channel]).resize(size[::-1], Image.Resampling.BICUBIC)
        for channel in range(values.shape[-1])
    ]
    return np.stack([np.asarray(each) for each in channels], axis=-1)


def framed(values: np.ndarray, width: int) -> np.ndarray:
    """Returns an image in a frame that mirrors it.

    Args:
      width: pixels on each side, or more at the bottom and on the right, so that sides are
        multiples of `width`; 0 for no frame.
    """
    size = values.shape[:2]
    after = [
        whole - side - width for whole, side in zip(framed_size(size, width), size, strict=True)
    ]
    return np.pad(values, [*((width, each) for each in after), (0, 0)], "reflect")


def framed_size(size: tuple[int, int], width: int) -> tuple[int, int]:
    """Returns the size (height, width) of an image of a size with its frame."""
    if not width:
        return size
    height, width_ = (-(-side // width) * width + 2 * width for side in size)
    return height, width_


def unframed(values: np.ndarray, size: tuple[int, int], width: int) -> np.ndarray:
    """Returns what a frame (see `framed`) has around, of a size (height, width)."""
    return values[width : width + size[0], width : width + size[1]]


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Returns an image as uint8, rounded and within 0..255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def with_colors_of(values: np.ndarray, content: np.ndarray) -> np.ndarray:
    """Returns the brightness of one image with the colors of another, uint8 both.

    Brightness is Y of YCbCr, colors are Cb and Cr (ITU-R BT.601).
    """
    brightness, _, _ = Image.fromarray(values).convert("YCbCr").split()
    _, *colors = Image.fromarray(content).convert("YCbCr").split()
    return np.asarray(Image.merge("YCbCr", (brightness, *colors)).convert("RGB"))


def check_ending(path: str) -> None:
    """Raises ValueError unless a file's name says how it is written."""
    ending = os.path.splitext(path)[1].lower()
    if ending not in FORMATS:
        raise ValueError(
            f"output {printable(path)} ends in {ending or 'nothing'!r}; expected one of "
            f"{', '.join(FORMATS)}."
        )


def write(path: str, pixels: np.ndarray) -> None:
    """Writes an image, uint8 [height, width, 3], whole or not at all.

    Raises:
      OSError: it cannot be written.
    """
    kind = FORMATS[os.path.splitext(path)[1].lower()]
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with files.replacing(path) as temporary:
        Image.fromarray(pixels).save(temporary, kind, quality=_JPEG_QUALITY)
