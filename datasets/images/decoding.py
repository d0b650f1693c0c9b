"""Reads images of any common kind as 8-bit RGB.

Converted: gray, gray with alpha, RGBA, CMYK, YCbCr, palette and 1-bit images (alpha is dropped,
color profiles are not applied). Refused: 16-bit and floating point images, because the range of
values that a camera or microscope filled is not written in the file; and damaged files. TIFFs of
more bands than Pillow reads are read by `many_bands`.

An image with an EXIF orientation is turned upright, as every viewer shows it, unless only the
unturned size agrees with the size of its mask.
"""

import dataclasses
import warnings
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps
from PIL.TiffImagePlugin import TiffImageFile

from common import image_files
from common.texts import printable
from datasets.images import many_bands, png_file

_JPEG_FORMATS = ("JPEG", "MPO")  # MPO: a JPEG with further images after it, made by phones.
# Modes and formats that the records' reader decodes, and what records call these formats.
_KEPT_MODES = ("RGB", "L")
_KEPT_FORMATS = {**dict.fromkeys(_JPEG_FORMATS, "jpeg"), "PNG": "png"}
_EIGHT_BIT_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr")
_DEEP_MODES = {"I": 32, "F": 32, "I;16": 16, "I;16B": 16, "I;16L": 16}
_TRANSPOSING_ORIENTATIONS = (5, 6, 7, 8)  # Those that swap height and width.
_BITS_PER_SAMPLE = 258  # TIFF tag.
# A photo of 100 megapixels is no attack; what has more than Pillow's limit is refused.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_JPEG_END = b"\xff\xd9"


@dataclasses.dataclass(frozen=True)
class DecodedImage:
    """An image and what its file was like."""

    rgb: np.ndarray | None  # uint8 [height, width, 3], 0..255; None where pixels were not wanted
    size: tuple[int, int]  # height, width: of `rgb`
    data: bytes  # the file
    file_format: str  # as Pillow calls it, such as "JPEG"
    mode: str  # Pillow's name of the pixel format in the file, such as "RGB" or "CMYK"
    orientation: int  # of EXIF; 1 is upright
    is_turned: bool  # whether the orientation was applied
    num_bands: int | None = None  # of a TIFF, of which the first three are `rgb`
    is_read_by_opencv: bool = False  # whether `rgb` is what OpenCV made of a JPEG

    @property
    def is_kept(self) -> bool:
        """Whether records hold the bytes of the file, unless it has to be turned."""
        return self.mode in _KEPT_MODES and self.file_format in _KEPT_FORMATS

    @property
    def is_jpeg(self) -> bool:
        return self.file_format in _JPEG_FORMATS


class EncodedImage(NamedTuple):
    """An image as records store it."""

    encoded: bytes
    format: str  # "jpeg" or "png"
    size: tuple[int, int]  # height, width
    rgb: np.ndarray | None  # What `encoded` decodes to; None where pixels were not wanted.


def read_image(
    path: str,
    mask_size: tuple[int, int] | None = None,
    with_pixels: bool = True,
    data: bytes | None = None,
) -> EncodedImage:
    """Reads an image for a record.

    The bytes of the file are kept when they are a JPEG or PNG of 8-bit RGB or gray that need no
    turning, so that nothing is lost and nothing grows; any other image becomes a PNG.

    Args:
      mask_size: (height, width) of its mask, which decides whether an EXIF orientation applies.
      with_pixels: whether `rgb` is wanted. Without it a JPEG that has its end is not decoded.
      data: the bytes of the file, if they are known; `path` only names it in messages then.

    Raises:
      OSError: the file cannot be opened.
      ValueError: the file is damaged or of a refused kind; the message names it.
    """
    image = decode_image(path, mask_size, with_pixels, trust_end=not with_pixels, data=data)
    return to_store(image, path, mask_size, with_pixels)


def to_store(
    image: DecodedImage, path: str, mask_size: tuple[int, int] | None, with_pixels: bool
) -> EncodedImage:
    """Makes of an image, as `decode_image` returns it, what `read_image` does."""
    if image.is_kept and not image.is_turned:
        return EncodedImage(image.data, _KEPT_FORMATS[image.file_format], image.size, image.rgb)
    rgb = decode_image(path, mask_size, data=image.data).rgb if image.rgb is None else image.rgb
    assert rgb is not None
    encoded = image_files.encode_png(rgb)
    return EncodedImage(encoded, "png", image.size, rgb if with_pixels else None)


def decode_image(
    path: str,
    mask_size: tuple[int, int] | None = None,
    with_pixels: bool = True,
    trust_end: bool = False,
    trust_kept: bool = False,
    data: bytes | None = None,
) -> DecodedImage:
    """Decodes an image completely, so that a truncated file is noticed; see `read_image`.

    Args:
      with_pixels: whether `rgb` is wanted. Without it a JPEG is still read to its end, but only an
        eighth of its rows and columns is computed, which takes half the time.
      trust_end: without pixels, do not decode a JPEG that ends as it should.
      trust_kept: without pixels, do not decode a JPEG or PNG whose bytes a record keeps (see
        `DecodedImage.is_kept`) if its structure is complete: the caller decodes it.
      data: see `read_image`.
    """
    if data is None:
        with open(path, "rb") as file:
            data = file.read()
    image, num_bands = _open(data, path)
    mode, size = image.mode, (image.height, image.width)
    rgb = None
    is_read_by_opencv = False
    if not with_pixels:
        _check_whole(image, data, path, trust_end, trust_kept)
    else:
        rgb = _decode_jpeg(image, data)
        is_read_by_opencv = rgb is not None
        if rgb is None:
            _load(image, data, path)
    bits = max(8, bits_per_channel(image, data))
    if bits != 8 or mode not in _EIGHT_BIT_MODES:
        raise ValueError(
            f"{path}: {bits}-bit image (mode {mode}); images have 8 bits per channel. "
            "Scale its values to 0..255 as suits your data and save it again."
        )
    orientation = _read_orientation(image)
    is_turned = _applies(orientation, size, mask_size)
    if with_pixels and (rgb is None or is_turned):
        upright = ImageOps.exif_transpose(image) if is_turned else image
        rgb = np.asarray(upright if upright.mode == "RGB" else upright.convert("RGB"))
    return DecodedImage(
        rgb=rgb,
        size=size[::-1] if is_turned and orientation in _TRANSPOSING_ORIENTATIONS else size,
        data=data,
        file_format=image.format or "",
        mode=mode,
        orientation=orientation,
        is_turned=is_turned,
        num_bands=num_bands,
        is_read_by_opencv=is_read_by_opencv,
    )


def read_size(path: str, data: bytes | None = None) -> tuple[int, int]:
    """Reads height and width of an image, turned upright as EXIF says, without decoding it.

    Args:
      data: see `read_image`.

    Raises:
      OSError: the file cannot be opened.
      ValueError: its head is damaged or of a refused kind; the message names it.
    """
    if data is None:
        with open(path, "rb") as file:
            data = file.read()
    image, _ = _open(data, path)
    size = image.height, image.width
    return size[::-1] if _read_orientation(image) in _TRANSPOSING_ORIENTATIONS else size


def _open(data: bytes, path: str) -> tuple[Image.Image, int | None]:
    """Opens an image; returns it and, for a TIFF that Pillow does not read, its bands."""
    try:
        return image_files.open_image(data, path), None
    except ValueError:
        read = many_bands.read(data, path)
        if read is None:
            raise
        return read


def load(data: bytes, path: str) -> Image.Image:
    """Decodes the bytes of an image file with Pillow; a ValueError names what is wrong with it."""
    image = image_files.open_image(data, path)
    _load(image, data, path)
    return image


def bits_per_channel(image: Image.Image, data: bytes) -> int:
    """Returns what the file has, also where Pillow cuts 16-bit RGB to 8 bits without saying so."""
    if image.format == "PNG":
        return png_file.head(data)[0]
    if image.format == "TIFF":
        return max(tiff_tag(image, _BITS_PER_SAMPLE) or (1,))
    return _DEEP_MODES.get(image.mode, 8)


def tiff_tag(image: Image.Image, tag: int) -> Any:
    """Returns the value of a tag; None where a file has none, or is no TIFF file."""
    return image.tag_v2.get(tag) if isinstance(image, TiffImageFile) else None


def _decode_jpeg(image: Image.Image, data: bytes) -> np.ndarray | None:
    """Returns Pillow's pixels in two thirds of its time; None where Pillow itself has to judge."""
    if image.mode not in _KEPT_MODES or not _has_jpeg_end(image, data):
        return None
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags)


def _check_whole(
    image: Image.Image, data: bytes, path: str, trust_end: bool, trust_kept: bool
) -> None:
    """Raises a ValueError for a truncated file; see `decode_image`."""
    is_trusted = trust_kept and image.mode in _KEPT_MODES
    if is_trusted and image.format == "PNG":
        _check_png(data, path)
    elif not (_has_jpeg_end(image, data) and (trust_end or is_trusted)):
        image.draft("L", (1, 1))  # Changes mode and size of a JPEG, and nothing else.
        _load(image, data, path)


def _has_jpeg_end(image: Image.Image, data: bytes) -> bool:
    return image.format in _JPEG_FORMATS and data.endswith(_JPEG_END)


def _load(image: Image.Image, data: bytes, path: str) -> None:
    """Decodes an image file to its end."""
    try:
        image.load()
    except Exception as error:  # Pillow's decoders raise many types on damaged bytes.
        raise ValueError(
            f"{printable(path)}: truncated or damaged ({error}). Copy it again, or remove it."
        ) from None
    if image.format == "PNG":
        _check_png(data, path)


def _check_png(data: bytes, path: str) -> None:
    damage = png_file.find_damage(data)
    if damage is not None:
        raise ValueError(f"{printable(path)}: {damage}. Copy it again, or remove it.")


def _read_orientation(image: Image.Image) -> int:
    """EXIF orientation, 1..8; 1 where there is none or it is no such number."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # A damaged EXIF block is no reason to refuse the pixels.
        return 1
    return orientation if orientation in range(1, 9) else 1


def _applies(
    orientation: int, stored_size: tuple[int, int], mask_size: tuple[int, int] | None
) -> bool:
    """Whether an EXIF orientation is to be applied."""
    if orientation == 1:
        return False
    if mask_size is None or orientation not in _TRANSPOSING_ORIENTATIONS:
        return True
    return tuple(mask_size) != stored_size or stored_size[0] == stored_size[1]
