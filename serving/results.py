"""Writes what a network says of images: masks, overlays, ids and probabilities as files."""

import collections
import dataclasses
import hashlib
import io
import itertools
import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import BinaryIO

import numpy as np
from PIL import Image

from common import files
from serving.drawing import legend, visualize

MASK_ENDING = "_mask.png"
OVERLAY_ENDING = "_overlay.jpg"
PROBABILITIES_ENDING = "_probabilities.npz"
IDS_ENDINGS = {"png": "_ids.png", "npy": "_ids.npy"}
ENDINGS = (MASK_ENDING, OVERLAY_ENDING, PROBABILITIES_ENDING, *IDS_ENDINGS.values())

_JPEG_QUALITY = 92
# Of an overlay: the format's 65500, less what a legend may add. Larger ones are shrunk to it.
_MAX_JPEG_SIZE = 40_000
# File systems take 255 bytes in a name; the rest is for the endings and a number.
_MAX_NAME_BYTES = 200
_DIGEST_LETTERS = 12
# Names of temporary files until November 2026.
_OLD_TEMPORARY_NAME = re.compile(
    rf".*({'|'.join(map(re.escape, ENDINGS))})\.(?P<pid>\d+)\.tmp", re.DOTALL
)


@dataclasses.dataclass(frozen=True)
class ResultOptions:
    """What is written for each image.

    Attributes:
      opacity: of the mask in the overlay, 0..1.
      legend: whether a legend is set below the overlay.
      ids_format: "png" (8-bit gray) or "npy" (int32) for the plain ids; None for none.
      probabilities: whether to write probabilities, as float16.
    """

    opacity: float = 0.5
    legend: bool = True
    ids_format: str | None = None
    probabilities: bool = False

    @property
    def endings(self) -> tuple[str, ...]:
        """Endings of the files that are written."""
        return (
            MASK_ENDING,
            OVERLAY_ENDING,
            *((IDS_ENDINGS[self.ids_format],) if self.ids_format else ()),
            *((PROBABILITIES_ENDING,) if self.probabilities else ()),
        )


def choose_names(paths: Sequence[str]) -> list[str]:
    """Returns a name for the results of each image, none twice.

    Names that differ in the case of letters, or in how accents are encoded, are one name to some
    file systems, and so they are here.

    It is the image's stem. Images of one stem are told apart by their folders, and those of one
    folder by their extensions: `a/x.jpg` and `b/x.jpg` become `a_x` and `b_x`, `x.jpg` and `x.png`
    become `x_jpg` and `x_png`. Names too long for a file system are cut, and told apart by a
    digest.

    Args:
      paths: different files.
    """
    parts = [os.path.abspath(path).split(os.sep) for path in paths]
    shared = itertools.takewhile(
        lambda folders: len(set(folders)) == 1, zip(*(part[:-1] for part in parts), strict=False)
    )
    num_shared = len(list(shared))
    names = [""] * len(paths)
    levels = [-1] * len(paths)
    clashing = range(len(paths))
    while clashing:
        for index in clashing:
            levels[index] += 1
            names[index] = _name(parts[index][num_shared:], index, levels[index])
        keys = [unicodedata.normalize("NFC", name).casefold() for name in names]
        counts = collections.Counter(keys)
        clashing = [index for index, key in enumerate(keys) if counts[key] > 1]
    return names


def _name(parts: Sequence[str], index: int, level: int) -> str:
    """Returns longer names at higher levels; the last, with a number, are all different."""
    stem, extension = os.path.splitext(parts[-1])
    if level == 0:
        return _shorten(stem)
    name = "_".join([*parts[:-1], stem])
    if level == 1:
        return _shorten(name)
    name = _shorten(f"{name}_{extension[1:]}")
    return name if level == 2 else f"{name}_{index}"


def _shorten(name: str) -> str:
    encoded = os.fsencode(name)
    if len(encoded) <= _MAX_NAME_BYTES:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:_DIGEST_LETTERS]
    beginning = encoded[: _MAX_NAME_BYTES - _DIGEST_LETTERS - 1].decode(errors="ignore")
    return f"{beginning}_{digest}"


def remove_leftovers(directory: str) -> list[str]:
    """Removes what killed runs have left in a folder of results; returns the paths."""
    return files.remove_leftovers(directory, _OLD_TEMPORARY_NAME)


def result_paths(directory: str, name: str, options: ResultOptions) -> list[str]:
    """Returns the files that `write_results` writes for an image."""
    return [os.path.join(directory, name + ending) for ending in options.endings]


def write_results(
    directory: str,
    name: str,
    image: Image.Image,
    ids: np.ndarray,
    probabilities: np.ndarray | None,
    class_names: Sequence[str],
    palette: visualize.Palette,
    options: ResultOptions,
) -> np.ndarray:
    """Writes the files of one image, each whole or not at all.

    Args:
      directory: an existing folder.
      name: beginning of the files' names.
      image: the RGB image; it is painted over.
      ids: integers [height, width], its class ids.
      probabilities: float32 [height, width, num_classes], or None where `options` ask for none.
      class_names: name of each class id.
      palette: RGB color, 0..255, of each class id.
      options: what to write.

    Returns:
      float64 [num_classes], each class's share of the pixels.

    Raises:
      OSError: a file cannot be written.
    """
    shares = visualize.class_shares(ids, len(class_names))
    base = os.path.join(directory, name)
    _write_image(base + MASK_ENDING, visualize.mask_image(ids, palette), "PNG")
    if options.ids_format == "png":
        _write_image(base + IDS_ENDINGS["png"], Image.fromarray(ids.astype(np.uint8)), "PNG")
    elif options.ids_format == "npy":
        _write(base + IDS_ENDINGS["npy"], lambda file: _save_npy(file, ids))
    if options.probabilities:
        content = {
            "probabilities": probabilities.astype(np.float16),
            "class_names": np.array(class_names),
        }
        _write(base + PROBABILITIES_ENDING, lambda file: np.savez_compressed(file, **content))
        del content
    visualize.paint_overlay(image, ids, palette, class_names, options.opacity)
    if max(image.size) > _MAX_JPEG_SIZE:
        image.thumbnail((_MAX_JPEG_SIZE, _MAX_JPEG_SIZE))
    if options.legend:
        image = legend.append_legend(image, shares, class_names, palette)
    # Full color resolution: at half of it, the edges of the outlines bleed.
    _write_image(base + OVERLAY_ENDING, image, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return shares


def _write_image(path: str, image: Image.Image, file_format: str, **how: object) -> None:
    """Writes an image whole, or not at all.

    It is encoded in memory: Pillow's encoders take a write that a full disk cuts short for a whole
    one.
    """
    content = io.BytesIO()
    image.save(content, file_format, **how)
    files.write(path, content.getbuffer())


def _save_npy(file: BinaryIO, ids: np.ndarray) -> None:
    """Writes ids as `np.save` does int32, which says nothing when a full disk cuts it short."""
    header = {"descr": "<i4", "fortran_order": False, "shape": ids.shape}
    np.lib.format.write_array_header_1_0(file, header)
    for row in ids:
        file.write(row.astype("<i4").tobytes())


def _write(path: str, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file whole; `write` is given the file to write to."""
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        write(file)
