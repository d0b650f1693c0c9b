"""Image files: which kinds are read, what the others are, and opening them.

The check of a dataset, its conversion and the folders of images for a model use the same list.
"""

import contextlib
import ctypes
import glob
import io
import os
import re
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, UnidentifiedImageError

from common import video_files
from common.texts import printable

if TYPE_CHECKING:
    import numpy as np

Image.init()  # Loads Pillow's decoders; `Image.open` with a list of formats does not.

# Names of Pillow's decoders. Only these are tried, whatever a file's name says: others start
# programs (EPS runs Ghostscript) or are hardly ever images that a person labels. The decoder of
# JPEG reads MPO too, a JPEG with further images after it. Pillow may be built without some.
FORMATS = tuple(
    name
    for name in ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "AVIF", "GIF", "PPM")
    if name in Image.OPEN
)

# Lower-case endings of the files that these decoders read.
ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    *(".png", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".gif"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)

_RAW = "a camera's raw file"
_VIDEO = "a video"
# Endings of images that are not read -> what they are.
UNREAD_KINDS = {
    **dict.fromkeys((".heic", ".heif", ".hif"), "a HEIC file, as phones take them"),
    ".jxl": "a JPEG XL file",
    **dict.fromkeys((".jp2", ".j2k", ".jpx", ".jpf"), "a JPEG 2000 file"),
    **dict.fromkeys(
        (".dng", ".cr2", ".cr3", ".crw", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"),
        _RAW,
    ),
    **dict.fromkeys((".psd", ".psb"), "a Photoshop file"),
    ".xcf": "a GIMP file",
    ".svg": "an SVG drawing",
    **dict.fromkeys((".eps", ".ps", ".ai"), "a PostScript drawing"),
    ".pdf": "a PDF file",
    **dict.fromkeys((".tga", ".ico", ".pcx", ".sgi", ".dds", ".qoi"), "an image of a rare kind"),
    **dict.fromkeys((".exr", ".hdr"), "an image of floating point values"),
    **dict.fromkeys((".dcm", ".nii", ".mha", ".nrrd"), "a medical image"),
    ".npy": "a NumPy array",
    ".mat": "a MATLAB file",
}

_HOW_TO_CONVERT = "Convert it to JPEG or PNG"
_HEAD_BYTES = video_files.HEAD_BYTES


def open_image(data: bytes | BinaryIO, path: str) -> Image.Image:
    """Reads the head of an image file: format, mode and size. Pixels are not decoded yet.

    Args:
      data: the bytes of the file, or the file opened for reading, which takes less memory; it must
        stay open until the pixels are loaded.
      path: its name, for errors.

    Raises:
      ValueError: it is empty, of a kind that is not read, damaged, or has more pixels than
        `PIL.Image.MAX_IMAGE_PIXELS` allows; the message names it.
    """
    name = printable(path)
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    head = file.read(_HEAD_BYTES)
    if not head:
        raise ValueError(f"{name}: the file is empty. Copy it again, or remove it.")
    file.seek(0)
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        kind = describe_kind(path, head)
        if kind is None:
            raise ValueError(f"{name}: not an image file that can be read.") from None
        if kind == _VIDEO:
            raise ValueError(f"{name}: this is {kind}, and an image is wanted.") from None
        raise ValueError(f"{name}: this is {kind}, which is not read. {_HOW_TO_CONVERT}.") from None
    except Image.DecompressionBombError as error:
        raise ValueError(f"{name}: {_describe_bomb(error)}") from None
    except Exception as error:  # Pillow's decoders raise many types on damaged bytes.
        raise ValueError(damaged(path, error)) from None


def damaged(path: str, error: Exception) -> str:
    """Returns a line for a file whose pixels cannot be decoded, with what the decoder says."""
    reason = printable(" ".join(str(error).split())) or type(error).__name__
    return f"{printable(path)}: truncated or damaged ({reason}). Copy it again."


def describe_kind(path: str, data: bytes = b"") -> str | None:
    """Returns the kind of a file that is not read as an image, such as "a PDF file", if known.

    Args:
      path: the file.
      data: its first bytes, which are believed before its name; b"" to go by the name.
    """
    head = data[:_HEAD_BYTES]
    for pattern, kind in _HEADS:
        if re.match(pattern, head, re.DOTALL):
            return kind
    if video_files.is_video(head):
        return _VIDEO
    ending = os.path.splitext(path)[1].lower()
    return _VIDEO if ending in video_files.ENDINGS else UNREAD_KINDS.get(ending)


_HEADS = (
    (rb"....ftyp(heic|heix|hevc|hevx|heim|heis|mif1|msf1)", UNREAD_KINDS[".heic"]),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", UNREAD_KINDS[".jxl"]),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", UNREAD_KINDS[".jp2"]),
    (rb"8BPS", UNREAD_KINDS[".psd"]),
    (rb"gimp xcf", UNREAD_KINDS[".xcf"]),
    (rb"%PDF", UNREAD_KINDS[".pdf"]),
    (rb"%!PS|\xc5\xd0\xd3\xc6", UNREAD_KINDS[".eps"]),
    (rb"\x93NUMPY", UNREAD_KINDS[".npy"]),
    (rb"\x76\x2f\x31\x01|#\?RADIANCE", UNREAD_KINDS[".exr"]),
    (rb"version https://git-lfs", "a pointer of Git LFS, whose content git lfs pull brings"),
    (rb"\s*<svg|\s*<\?xml.*<svg", UNREAD_KINDS[".svg"]),
    (rb"(?i)\s*(<!doctype html|<html)", "a web page"),
)


def _describe_bomb(error: Image.DecompressionBombError) -> str:
    counts = re.findall(r"\d+", str(error))
    if len(counts) < 2:
        return f"too many pixels ({error})."
    pixels, limit = (int(count) / 1e6 for count in counts[:2])
    return (
        f"it has {pixels:.0f} million pixels, more than the {limit:.0f} million that are read at "
        "most. Raise PIL.Image.MAX_IMAGE_PIXELS if you trust the file, or cut it into parts."
    )


def silence_libtiff() -> None:
    """Keeps the decoder of TIFF from writing lines without a file's name to stderr.

    For commands, which report each damaged file themselves. Works where Pillow contains libtiff, as
    its wheels do.
    """
    package = os.path.dirname(Image.__file__)
    for pattern in ("../[Pp]illow.libs/libtiff*", ".dylibs/libtiff*"):
        for path in glob.glob(os.path.join(glob.escape(package), pattern)):
            with contextlib.suppress(OSError, AttributeError):
                library = ctypes.CDLL(path)
                library.TIFFSetErrorHandler(None)
                library.TIFFSetWarningHandler(None)


def encode_png(pixels: "np.ndarray") -> bytes:
    """Returns a PNG file of pixels, uint8 [height, width] or [height, width, 3 or 4]."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
