"""Turns images in files or in memory into what a network needs: upright 8-bit RGB."""

import os
from collections.abc import Iterable

import numpy as np
from PIL import ExifTags, Image

from common import image_files, texts
from serving.image_search import expand_home

ImageInput = Image.Image | np.ndarray | str | os.PathLike | bytes

# Their values do not show which range goes from black to white.
_WIDE_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
# Pillow converts these to RGB only by a detour.
_DETOURS = {"RGBa": "RGBA", "La": "LA"}
# Orientation in EXIF -> what brings the stored pixels upright. `ImageOps.exif_transpose` would copy
# every upright image, and fails on damaged EXIF.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TURNED = (5, 6, 7, 8)  # Those that change rows and columns.
# These decoders keep two or three copies of the pixels as long as their image exists.
_HOARDERS = ("WEBP", "AVIF")


def as_list(
    images: Iterable[ImageInput], advice: str = "Pass a single image to segment."
) -> list[ImageInput]:
    """Returns several images as a list.

    Args:
      images: the images.
      advice: what to do with a single one, for errors.

    Raises:
      TypeError: it is a single image, or none.
      ValueError: it is an array that is not a batch.
    """
    if isinstance(images, np.ndarray):
        if images.ndim != 4 and images.dtype != object:
            raise ValueError(
                f"images is an array {list(images.shape)}; expected a list of images, or an array "
                f"[batch, height, width, 3]. {advice}"
            )
    elif isinstance(images, (Image.Image, str, os.PathLike, bytes)) or not isinstance(
        images, Iterable
    ):
        raise TypeError(f"images is {_describe_type(images)}; expected a list of images. {advice}")
    return list(images)


def decode(image: ImageInput) -> Image.Image | np.ndarray:
    """Returns an image as it is in memory; files are read.

    Raises:
      TypeError: it is not an image.
      ValueError: it is damaged.
    """
    if isinstance(image, (str, os.PathLike)):
        return read_image(expand_home(os.fspath(image)))
    if isinstance(image, (bytes, bytearray, memoryview)):
        return _decode(image_files.open_image(bytes(image), "the image"), "the image")
    if isinstance(image, Image.Image):
        _load(image, "the image")
    elif not isinstance(image, np.ndarray):
        raise TypeError(
            f"the image is {_describe_type(image)}; expected a Pillow image, a uint8 array "
            "[height, width, 3], a path, or the bytes of an image file."
        )
    return image


def _describe_type(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def read_image(path: str) -> Image.Image:
    """Reads an image completely, upright, as RGB.

    Raises:
      OSError: the file cannot be opened.
      ValueError: the file is damaged or not an image; the message names it.
    """
    with open(path, "rb") as file:
        return _decode(image_files.open_image(file, path), path)


def _load(image: Image.Image, name: str) -> None:
    """Decodes the pixels of an image; errors about its file call it `name`."""
    try:
        image.load()
    except Exception as error:  # Pillow's decoders raise many types on damaged bytes.
        if isinstance(error, MemoryError) or getattr(error, "errno", None):
            raise
        raise ValueError(image_files.damaged(name, error)) from None


def _decode(image: Image.Image, name: str) -> Image.Image:
    """Returns an image that has been opened, upright, as RGB; errors call it `name`."""
    try:
        _check(image)
        _load(image, name)
        rgb = to_rgb(image)
    except ValueError as error:
        message = str(error)
        named = texts.printable(name)
        raise ValueError(message if named in message else f"{named}: {message}") from None
    return rgb.copy() if rgb is image and image.format in _HOARDERS else rgb


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Returns the (height, width) of an image once it is upright; decodes nothing."""
    # Without EXIF in its head, looking for it would decode a PNG file.
    if "exif" in image.info and _orientation(image) in _TURNED:
        return image.width, image.height
    return image.height, image.width


def _orientation(image: Image.Image) -> int | None:
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # Damaged or in an unknown form; that says nothing about the pixels.
        return None


def to_rgb(image: Image.Image | np.ndarray) -> Image.Image:
    """Returns an image upright (by its EXIF orientation) and as RGB; alpha is dropped.

    Args:
      image: a Pillow image, or an array that `to_rgb_array` takes. One that is RGB and upright
        already is returned itself.

    Raises:
      ValueError: its values do not fit 8 bits per channel, or it has no pixels.
    """
    if isinstance(image, np.ndarray):
        return Image.fromarray(to_rgb_array(image))
    _check(image)
    orientation = _orientation(image)
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
        # Without the EXIF that would have its next reader turn the image again.
        image.info = {key: image.info[key] for key in ("transparency",) if key in image.info}
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # Pillow warns of a direct conversion.
    if image.mode in _DETOURS:
        image = image.convert(_DETOURS[image.mode])
    return image if image.mode == "RGB" else image.convert("RGB")


def _check(image: Image.Image) -> None:
    if image.mode in _WIDE_MODES:
        raise ValueError(
            f"the image has more than 8 bits per channel (mode {image.mode}); scale its values "
            "to 0..255 as the training images were."
        )
    if not image.width or not image.height:
        raise ValueError(f"the image is {image.height}x{image.width} and empty.")


def to_rgb_array(array: np.ndarray) -> np.ndarray:
    """Returns an image given as an array, as RGB, uint8 [height, width, 3]; alpha is dropped.

    Args:
      array: uint8 [height, width] or [height, width, 1], gray; [height, width, 3], RGB; or
        [height, width, 4], RGBA.

    Raises:
      ValueError: it is something else, or it has no pixels.
    """
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in (1, 3, 4):
        hint = ""
        if array.ndim == 4:
            hint = " Pass several images to a method that takes a list, such as segment_batch."
        elif array.dtype.kind in "fbiu" and array.dtype != np.uint8:
            hint = " Scale its values to 0..255 as those of the training images, and convert them."
        raise ValueError(
            f"the image is {array.dtype} {list(array.shape)}; expected uint8 [height, width, 3], "
            f"RGB, or gray [height, width], or RGBA [height, width, 4].{hint}"
        )
    if not array.size:
        raise ValueError(f"the image is {array.shape[0]}x{array.shape[1]} and empty.")
    if channels == 1:
        return np.repeat(array.reshape([*array.shape[:2], 1]), 3, axis=2)
    return array[..., :3]
