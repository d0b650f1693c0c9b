"""Reads the values that a mask file stores, as they are: not scaled, inverted, cut or painted.

Pillow makes images for people to look at: gray of 1, 2 and 4 bits is spread over 0..255, TIFF files
in which 0 is white are inverted, and of 16 bits per channel of color the lower 8 are cut off. A
mask's values are class ids or palette indices, so here the stored ones count, or the file is
refused.
"""

import struct
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from datasets.images import decoding, png_file

# TIFF tags and values of them.
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
_BITS_PER_SAMPLE = 258
_COMPRESSION = 259
_LOSSY_TIFF = {6: "JPEG", 7: "JPEG", 34892: "JPEG", 34712: "JPEG 2000", 50001: "WebP"}

_GRAY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")
_ALPHA_MODES = ("LA", "PA", "RGBA")
_MAX_GRAY_8 = 255
_SPREAD_16 = 257  # 8 bits become 16 by repeating them: 255 * 257 = 65535.
_BMP_BITS_AT = 28
_HEAD_BYTES = 4096


class StoredValues(NamedTuple):
    """What a mask file stores.

    Attributes:
      values: uint8 [height, width] ids or palette indices, int64 [height, width] where some do
        not fit into 8 bits, or uint8 [height, width, 3] RGB colors.
      palette: uint8 [n, 3] RGB colors of a palette file's indices, else None.
      lossy_format: name of the format, such as "JPEG", if it keeps values only nearly.
      is_one_bit: whether the file is black and white: gray of 1 bit, 1 being white.
    """

    values: np.ndarray
    palette: np.ndarray | None = None
    lossy_format: str | None = None
    is_one_bit: bool = False


def read(data: bytes, path: str) -> StoredValues:
    """Reads what a mask file stores.

    Args:
      data: the file.
      path: its name, for errors.

    Raises:
      ValueError: the file is damaged, half transparent, or of a kind whose values cannot be told;
        the message names it.
    """
    image = decoding.load(data, path)
    lossy = _find_lossy_format(image, data)
    bits = _bits_per_channel(image, data)
    _check_white(image, path)
    if bits == 16 and image.format == "BMP":
        raise ValueError(
            f"{path}: BMP mask with 16 bits per pixel, which rounds colors to 5 bits each. "
            "Save it as PNG."
        )
    if bits == 16 and image.mode in ("LA", "RGB", "RGBA"):  # Pillow has cut them to 8.
        return StoredValues(_read_deep_channels(data, path), None, lossy)
    if image.mode in _ALPHA_MODES:
        _check_opaque(np.asarray(image.getchannel("A")), path, 255)
    if image.mode in ("P", "PA"):
        palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        indices = image if image.mode == "P" else image.getchannel("P")
        return StoredValues(np.array(indices, np.uint8), palette, lossy)
    if image.mode in ("RGB", "RGBA"):
        if image.format == "PPM" and _ppm_maximum(data, path) != 255:
            raise ValueError(f"{path}: PPM mask whose maximum is not 255. Save it as PNG.")
        return StoredValues(np.array(image.convert("RGB")), None, lossy)
    if image.mode not in _GRAY_MODES:
        raise ValueError(
            f"{path}: mask of mode {image.mode}; masks are gray ids, palette files or RGB colors. "
            "Save it as PNG."
        )
    values = np.asarray(image.getchannel("L") if image.mode == "LA" else image)
    values = _to_integers(_unscale(values, image, data, bits, path), path)
    return StoredValues(values, None, lossy, image.mode == "1")


def _find_lossy_format(image: Image.Image, data: bytes) -> str | None:
    """Returns the name of the format if it blurs values, else None."""
    if image.format in ("JPEG", "MPO"):
        return "JPEG"
    if image.format == "WEBP" and b"VP8L" not in _riff_chunks(data):
        return "lossy WebP"
    if image.format == "AVIF":
        return "AVIF"
    if image.format == "TIFF":
        return _LOSSY_TIFF.get(image.tag_v2.get(_COMPRESSION))
    return None


def _riff_chunks(data: bytes) -> set[bytes]:
    """Returns the names of the chunks of a WebP file."""
    names, position = set(), 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        names.add(name)
        position += 8 + size + size % 2
    return names


def _bits_per_channel(image: Image.Image, data: bytes) -> int:
    if image.format == "PNG":
        return png_file.head(data)[0]
    if image.format == "TIFF":
        return max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,)))
    if image.format == "BMP":
        return int.from_bytes(data[_BMP_BITS_AT : _BMP_BITS_AT + 2], "little")
    if image.mode == "1":
        return 1
    return 16 if image.mode.startswith("I") else 8


def _check_white(image: Image.Image, path: str) -> None:
    """Refuses gray files in which a stored 0 is white: readers disagree on what its ids are."""
    is_inverted = (image.format == "TIFF" and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO) or (
        image.format == "PPM" and image.mode == "1"
    )
    if is_inverted:
        kind = "PBM" if image.format == "PPM" else "TIFF"
        raise ValueError(
            f"{path}: {kind} mask in which a stored 0 is white, so that some programs read its ids "
            "inverted and others do not. Save it as PNG, and see that the background has id 0."
        )


def _check_opaque(alpha: np.ndarray, path: str, opaque: int) -> None:
    if alpha.min() < opaque:
        raise ValueError(f"{path}: mask with transparent pixels. Save it without alpha.")


def _read_deep_channels(data: bytes, path: str) -> np.ndarray:
    """Reads gray with alpha, RGB and RGBA of 16 bits per channel as uint8 [height, width, 3]."""
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3 or pixels.shape[-1] < 3:
        raise ValueError(f"{path}: mask with 16 bits per channel. Save it with 8 bits per channel.")
    is_alpha_stored = data[25] in (png_file.GRAY_ALPHA, png_file.RGB_ALPHA)
    if pixels.shape[-1] == 4 and (is_alpha_stored or not data.startswith(png_file.SIGNATURE)):
        _check_opaque(pixels[..., 3], path, 65535)
    rgb = pixels[..., 2::-1]
    if rgb.max() <= _MAX_GRAY_8:
        return np.ascontiguousarray(rgb.astype(np.uint8))
    if not (rgb % _SPREAD_16).any():
        return np.ascontiguousarray((rgb // _SPREAD_16).astype(np.uint8))
    values = ", ".join(map(str, np.unique(rgb[(rgb % _SPREAD_16) > 0])[:5]))
    raise ValueError(
        f"{path}: mask with 16 bits per channel and values such as {values}, which stand for no "
        "color of 8 bits. Save it with 8 bits per channel."
    )


def _unscale(
    values: np.ndarray, image: Image.Image, data: bytes, bits: int, path: str
) -> np.ndarray:
    """Returns gray values as they are stored, from those that Pillow gives."""
    if image.mode == "1":
        return values.astype(np.uint8)
    if image.mode == "L" and image.format in ("PNG", "TIFF") and bits in (2, 4):
        return values // (255 // (2**bits - 1))
    if image.format == "PPM":
        return _unscale_ppm(values, data, path)
    return values


def _unscale_ppm(values: np.ndarray, data: bytes, path: str) -> np.ndarray:
    """Undoes that Pillow spreads the values of PGM files over 0..255 or 0..65535."""
    maximum = _ppm_maximum(data, path)
    spread = 255 if maximum <= 255 else 65535
    return np.rint(values.astype(np.float64) * maximum / spread).astype(np.int64)


def _ppm_maximum(data: bytes, path: str) -> int:
    """Reads the value that stands for white from the head: "P5 WIDTH HEIGHT MAXIMUM"."""
    lines = [line.split(b"#")[0] for line in data[:_HEAD_BYTES].split(b"\n")]
    try:
        return int(b" ".join(lines).split()[3])
    except (IndexError, ValueError):
        raise ValueError(f"{path}: a PNM file whose head cannot be read. Save it as PNG.") from None


def _to_integers(values: np.ndarray, path: str) -> np.ndarray:
    """Returns gray values as uint8, or as int64 where some do not fit into 8 bits."""
    if values.dtype.kind == "f":
        whole = np.rint(values)
        if not np.array_equal(whole, values):
            some = ", ".join(f"{value:g}" for value in np.unique(values[whole != values])[:5])
            raise ValueError(
                f"{path}: mask of floating point values such as {some}. Save it with class ids, "
                "one small integer per class."
            )
        values = whole.astype(np.int64)
    if values.size and (values.max() > _MAX_GRAY_8 or values.min() < 0):
        return values.astype(np.int64)
    return values.astype(np.uint8, copy=False)
