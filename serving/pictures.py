"""Picture files named on a command line, and what a network needs of them: upright 8-bit RGB."""

import glob
import os
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

PICTURE_EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm")

# Their values do not say which range is black to white.
_WIDE_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def find_pictures(
    arguments: Sequence[str], skipped_endings: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """Finds the pictures that arguments of a command mean.

    Args:
      arguments: files, folders (the pictures directly inside) and glob patterns, in which `**`
        stands for any depth of folders.
      skipped_endings: files of folders and patterns that end so are left out.

    Returns:
      (paths without repetition, in the order of the arguments; one message for each argument that
      means nothing).
    """
    found: dict[str, str] = {}
    problems = []
    for argument in arguments:
        if os.path.isdir(argument):
            paths = _pictures_among(
                (os.path.join(argument, name) for name in os.listdir(argument)), skipped_endings
            )
            problem = f"folder {argument} holds no picture ({', '.join(PICTURE_EXTENSIONS)})"
        elif glob.has_magic(argument) and not os.path.exists(argument):
            paths = _pictures_among(glob.glob(argument, recursive=True), skipped_endings)
            problem = f"no picture matches {argument!r}"
        else:
            paths = [argument] if os.path.exists(argument) else []
            problem = f"{argument}: there is no such file or folder"
        if not paths:
            problems.append(problem)
        for path in paths:
            found.setdefault(os.path.realpath(path), path)
    return list(found.values()), problems


def read_picture(path: str) -> Image.Image:
    """Reads a picture completely, upright, as RGB.

    Raises:
      OSError: the file cannot be opened.
      ValueError: the file is damaged or no picture; the message names it.
    """
    try:
        with Image.open(path) as picture:
            picture.load()
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except UnidentifiedImageError:
        raise ValueError(f"{path}: not an image file that can be read.") from None
    except Exception as error:  # Pillow's decoders raise many types on damaged bytes.
        raise ValueError(f"{path}: truncated or damaged ({error}).") from None
    try:
        return to_rgb(picture)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def to_rgb(picture: Image.Image | np.ndarray) -> Image.Image:
    """Returns a picture upright (by its EXIF orientation) and as RGB; alpha is dropped.

    Args:
      picture: a Pillow picture, or uint8 [height, width, 3], RGB.

    Raises:
      ValueError: its values do not fit 8 bits per channel, or it has no pixels.
    """
    if isinstance(picture, np.ndarray):
        check_array(picture)
        return Image.fromarray(picture)
    if picture.mode in _WIDE_MODES:
        raise ValueError(
            f"the picture has more than 8 bits per channel (mode {picture.mode}); scale its values "
            "to 0..255 as the training pictures were."
        )
    return ImageOps.exif_transpose(picture).convert("RGB")


def check_array(picture: np.ndarray) -> None:
    """Checks that an array is a picture: uint8 [height, width, 3].

    Raises:
      ValueError: it is not, or it has no pixels.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(
            f"the picture is {picture.dtype} {list(picture.shape)}; expected uint8 "
            "[height, width, 3], RGB."
        )
    if not picture.size:
        raise ValueError(f"the picture is {picture.shape[0]}x{picture.shape[1]} and empty.")


def _pictures_among(paths: Iterable[str], skipped_endings: Sequence[str]) -> list[str]:
    return sorted(
        path
        for path in paths
        if path.lower().endswith(PICTURE_EXTENSIONS)
        and not path.endswith(tuple(skipped_endings))
        and os.path.isfile(path)
    )
