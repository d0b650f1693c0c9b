"""Reads the values that a mask file stores, as they are: not scaled, inverted, cut or painted.

Pillow makes images for people to look at: gray of 1, 2 and 4 bits is spread over 0..255, TIFF files
in which 0 is white are inverted, and of 16 bits per channel of color the lower 8 are cut off. A
mask's values are class ids or palette indices, so here the stored ones count, or the file is
refused.
"""

import dataclasses
import struct

import cv2
import numpy as np
from PIL import Image

from datasets.images import decoding, png_file

# TIFF tags and values of them.
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
_COMPRESSION = 259
_LOSSY_TIFF = {6: "JPEG", 7: "JPEG", 34892: "JPEG", 34712: "JPEG 2000", 50001: "WebP"}

_GRAY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")
_SPREAD_16 = 257  # 8 bits become 16 by repeating them: 255 * 257 = 65535.
_BMP_BITS_AT = 28
_HEAD_BYTES = 4096


@dataclasses.dataclass(frozen=True)
class RawMask:
    """A mask as its file stores it.

    The values are uint8 [height, width] ids or palette indices, int64 [height, width] where some do
    not fit into 8 bits, or uint8 [height, width, 3] RGB colors.
    """

    path: str
    values: np.ndarray
    palette: np.ndarray | None = None  # uint8 [n, 3], RGB, of a palette file
    lossy_format: str | None = None  # such as "JPEG", if it keeps values only nearly
    is_one_bit: bool = False  # gray of 1 bit, 1 being white
    is_drawn: bool = False  # of regions, so that its values are class ids for certain

    @property
    def is_colored(self) -> bool:
        return self.values.ndim == 3


def read_raw_mask(path: str) -> RawMask:
    """Reads a mask file; see `decode`, which also says what is raised besides OSError."""
    with open(path, "rb") as file:
        return decode(file.read(), path)


def decode(data: bytes, path: str) -> RawMask:
    """Decodes the content of a mask file.

    Raises:
      ValueError: the file is damaged, half transparent, or of a kind whose values cannot be told;
        the message names it.
    """
    image = decoding.load(data, path)
    lossy = _find_lossy_format(image, data)
    _check_kind(image, data, path)
    if image.mode in ("LA", "RGB", "RGBA") and decoding.bits_per_channel(image, data) == 16:
        return RawMask(path, _read_deep_channels(data, path), None, lossy)
    if image.mode in ("LA", "PA", "RGBA"):
        _check_opaque(np.asarray(image.getchannel("A")), path, 255)
    if image.mode in ("P", "PA"):
        palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        return RawMask(path, np.array(image.getchannel(0)), palette, lossy)
    if image.mode in ("RGB", "RGBA"):
        return RawMask(path, np.array(image.convert("RGB")), None, lossy)
    values = np.asarray(image.getchannel("L") if image.mode == "LA" else image)
    values = _to_integers(_unscale(values, image, data, path), path)
    return RawMask(path, values, None, lossy, image.mode == "1")


def _find_lossy_format(image: Image.Image, data: bytes) -> str | None:
    if image.format in ("JPEG", "MPO"):
        return "JPEG"
    if image.format == "WEBP":
        return None if b"VP8L" in _riff_chunks(data) else "lossy WebP"
    if image.format == "AVIF":
        return "AVIF"
    return _LOSSY_TIFF.get(decoding.tiff_tag(image, _COMPRESSION))


def _riff_chunks(data: bytes) -> set[bytes]:
    """Returns the names of the chunks of a WebP file."""
    names, position = set(), 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        names.add(name)
        position += 8 + size + size % 2
    return names


def _check_kind(image: Image.Image, data: bytes, path: str) -> None:
    """Refuses kinds of files whose values are rounded, or not what every program reads."""
    kind = {"TIFF": "TIFF", "PPM": "PBM"}.get(image.format or "")
    is_white_zero = decoding.tiff_tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO
    if is_white_zero or (image.format == "PPM" and image.mode == "1"):
        raise ValueError(
            f"{path}: {kind} mask in which a stored 0 is white, so that some programs read its ids "
            "inverted and others do not. Save it as PNG, and check that the background has id 0."
        )
    if image.format == "BMP" and data[_BMP_BITS_AT : _BMP_BITS_AT + 2] == b"\x10\0":
        raise ValueError(
            f"{path}: BMP mask with 16 bits per pixel, which rounds colors to 5 bits each. "
            "Save it as PNG."
        )
    if image.format == "PPM" and image.mode == "RGB" and _ppm_maximum(data, path) != 255:
        raise ValueError(f"{path}: PPM mask whose maximum is not 255. Save it as PNG.")
    if image.mode not in (*_GRAY_MODES, "P", "PA", "RGB", "RGBA"):
        raise ValueError(
            f"{path}: mask of mode {image.mode}; masks are gray ids, palette files or RGB colors. "
            "Save it as PNG."
        )


def _check_opaque(alpha: np.ndarray, path: str, opaque: int) -> None:
    if alpha.min() < opaque:
        raise ValueError(f"{path}: mask with transparent pixels. Save it without alpha.")


def _read_deep_channels(data: bytes, path: str) -> np.ndarray:
    """Reads gray with alpha, RGB and RGBA of 16 bits per channel as uint8 [height, width, 3]."""
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION  # Pillow cuts them to 8 bits.
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3 or pixels.shape[-1] < 3:
        raise ValueError(f"{path}: mask with 16 bits per channel. Save it with 8 bits per channel.")
    is_png = data.startswith(png_file.SIGNATURE)
    is_alpha_stored = png_file.head(data)[1] in (png_file.GRAY_ALPHA, png_file.RGB_ALPHA)
    if pixels.shape[-1] == 4 and (is_alpha_stored or not is_png):
        _check_opaque(pixels[..., 3], path, 65535)
    rgb = pixels[..., 2::-1]
    is_spread = rgb.max() > 255
    unknown = rgb[rgb % _SPREAD_16 > 0] if is_spread else ()
    if len(unknown):
        values = ", ".join(map(str, np.unique(unknown)[:5]))
        raise ValueError(
            f"{path}: mask with 16 bits per channel and values such as {values}, which stand for "
            "no color of 8 bits. Save it with 8 bits per channel."
        )
    return np.ascontiguousarray(rgb // (_SPREAD_16 if is_spread else 1), np.uint8)


def _unscale(values: np.ndarray, image: Image.Image, data: bytes, path: str) -> np.ndarray:
    """Returns gray values as they are stored, from those that Pillow spreads over a range."""
    if image.mode == "1":
        return values.astype(np.uint8)
    bits = decoding.bits_per_channel(image, data)
    if image.mode == "L" and bits in (2, 4):
        return values // (255 // (2**bits - 1))
    if image.format == "PPM":
        maximum = _ppm_maximum(data, path)
        spread = 255 if maximum <= 255 else 65535
        return np.rint(values.astype(np.float64) * maximum / spread).astype(np.int64)
    return values


def _ppm_maximum(data: bytes, path: str) -> int:
    """Reads the value that stands for white from the head: "P5 WIDTH HEIGHT MAXIMUM"."""
    lines = [line.split(b"#")[0] for line in data[:_HEAD_BYTES].split(b"\n")]
    try:
        return int(b" ".join(lines).split()[3])
    except (IndexError, ValueError):
        raise ValueError(f"{path}: a PNM file whose head cannot be read. Save it as PNG.") from None


def _to_integers(values: np.ndarray, path: str) -> np.ndarray:
    """Returns gray values as uint8, or as int64 where some do not fit into 8 bits."""
    fractions = values[np.rint(values) != values] if values.dtype.kind == "f" else ()
    if len(fractions):
        some = ", ".join(f"{value:g}" for value in np.unique(fractions)[:5])
        raise ValueError(
            f"{path}: mask of floating point values such as {some}. Save it with class ids, one "
            "small integer per class."
        )
    is_wide = values.size and (values.max() > 255 or values.min() < 0)
    return values.astype(np.int64 if is_wide else np.uint8, copy=False)
