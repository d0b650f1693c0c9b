"""Reads images with the channels that they have: gray, RGB or RGBA."""

import numpy as np
from PIL import ImageOps

from common import image_files
from common.texts import printable
from datasets.images import decoding

# Modes of Pillow -> those that have the same channels, with 8 bits each.
_GRAY, _RGB, _RGBA = "L", "RGB", "RGBA"
_KEPT = {
    **dict.fromkeys(("1", "L"), _GRAY),
    **dict.fromkeys(("RGB", "RGBX", "CMYK", "YCbCr"), _RGB),
    **dict.fromkeys(("LA", "La", "PA", "RGBA", "RGBa"), _RGBA),
}
_BITS = 8


def read(path: str) -> np.ndarray:
    """Reads an image, turned upright as its EXIF orientation says.

    Returns:
      uint8 [height, width, channels]: one channel of a gray image, three of RGB, palettes and
      CMYK, and four where there is transparency.

    Raises:
      OSError: the file cannot be opened.
      ValueError: it is damaged, of a kind that is not read, or has more than 8 bits per channel;
        the message names it.
    """
    with open(path, "rb") as file:
        data = file.read()
    image = decoding.load(data, path)
    bits = decoding.bits_per_channel(image, data)
    if image.mode == "P":
        kept: str | None = _RGBA if "transparency" in image.info else _RGB
    else:
        kept = _KEPT.get(image.mode)
    if kept is None or bits > _BITS:
        raise ValueError(
            f"{printable(path)}: {bits} bits per channel (mode {image.mode}); expected 8. Scale "
            "its values to 0..255 as suits your data and save it again."
        )
    try:
        upright = ImageOps.exif_transpose(image)
    except Exception as error:  # Pillow raises many types on damaged EXIF blocks.
        raise ValueError(image_files.damaged(path, error)) from None
    if upright.mode == "La":  # Pillow knows no other way from it.
        upright = upright.convert("LA")
    pixels = np.asarray(upright.convert(kept))
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
