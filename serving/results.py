"""Writes what a network says of pictures: masks, overlays, ids and probabilities as files."""

import collections
import dataclasses
import itertools
import os
from collections.abc import Callable, Sequence
from typing import BinaryIO

import numpy as np
from PIL import Image

from common import files
from deeplab import visualize

MASK_ENDING = "_mask.png"
OVERLAY_ENDING = "_overlay.jpg"
PROBABILITIES_ENDING = "_probabilities.npz"
IDS_ENDINGS = {"png": "_ids.png", "npy": "_ids.npy"}
ENDINGS = (MASK_ENDING, OVERLAY_ENDING, PROBABILITIES_ENDING, *IDS_ENDINGS.values())

_JPEG_QUALITY = 92


@dataclasses.dataclass(frozen=True)
class ResultOptions:
    """What is written for each picture.

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
    """Returns a name for the results of each picture, none twice, whatever the case of letters.

    It is the picture's stem. Pictures of one stem are told apart by their folders, and those of one
    folder by their extensions: `a/x.jpg` and `b/x.jpg` become `a_x` and `b_x`, `x.jpg` and `x.png`
    become `x_jpg` and `x_png`.

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
        counts = collections.Counter(name.lower() for name in names)
        clashing = [index for index, name in enumerate(names) if counts[name.lower()] > 1]
    return names


def _name(parts: Sequence[str], index: int, level: int) -> str:
    """Returns longer names at higher levels; the last, with a number, are all different."""
    stem, extension = os.path.splitext(parts[-1])
    if level == 0:
        return stem
    name = "_".join([*parts[:-1], stem])
    if level == 1:
        return name
    name = f"{name}_{extension[1:]}"
    return name if level == 2 else f"{name}_{index}"


def result_paths(directory: str, name: str, options: ResultOptions) -> list[str]:
    """Returns the files that `write_results` writes for a picture."""
    return [os.path.join(directory, name + ending) for ending in options.endings]


def write_results(
    directory: str,
    name: str,
    picture: Image.Image,
    ids: np.ndarray,
    probabilities: np.ndarray | None,
    class_names: Sequence[str],
    palette: visualize.Palette,
    options: ResultOptions,
) -> np.ndarray:
    """Writes the files of one picture, each whole or not at all.

    Args:
      directory: an existing folder.
      name: beginning of the files' names.
      picture: the RGB picture.
      ids: int32 [height, width], its class ids.
      probabilities: float32 [height, width, num_classes], or None where `options` ask for none.
      class_names: name of each class id.
      palette: RGB colour, 0..255, of each class id.
      options: what to write.

    Returns:
      float64 [num_classes], each class's share of the pixels.

    Raises:
      OSError: a file cannot be written.
    """
    shares = visualize.class_shares(ids, len(class_names))
    painted = Image.fromarray(
        visualize.overlay(np.asarray(picture), ids, palette, class_names, options.opacity)
    )
    if options.legend:
        painted = visualize.append_legend(painted, shares, class_names, palette)
    base = os.path.join(directory, name)
    mask = visualize.mask_picture(ids, palette)
    _write(base + MASK_ENDING, lambda file: mask.save(file, "PNG"))
    # Full colour resolution: at half of it, the edges of the outlines bleed.
    _write(
        base + OVERLAY_ENDING,
        lambda file: painted.save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0),
    )
    if options.ids_format == "png":
        gray = Image.fromarray(ids.astype(np.uint8))
        _write(base + IDS_ENDINGS["png"], lambda file: gray.save(file, "PNG"))
    elif options.ids_format == "npy":
        _write(base + IDS_ENDINGS["npy"], lambda file: np.save(file, ids))
    if options.probabilities:
        content = {
            "probabilities": probabilities.astype(np.float16),
            "class_names": np.array(class_names),
        }
        _write(base + PROBABILITIES_ENDING, lambda file: np.savez_compressed(file, **content))
    return shares


def _write(path: str, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file whole; `write` is given the file to write to."""
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        write(file)
