"""Writes predictions as files: masks, overlays, class ids and probabilities."""

import collections
import contextlib
import dataclasses
import hashlib
import io
import math
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from common import files
from serving import geotiff
from serving.drawing import legend, visualize

MASK_ENDING = "_mask.png"
OVERLAY_ENDING = "_overlay.jpg"
PROBABILITIES_ENDING = "_probabilities.npz"
IDS_ENDINGS = {"png": "_ids.png", "npy": "_ids.npy"}
ENDINGS = (
    MASK_ENDING,
    geotiff.MASK_ENDING,
    OVERLAY_ENDING,
    PROBABILITIES_ENDING,
    *IDS_ENDINGS.values(),
)

_JPEG_QUALITY = 92
# Overlays have at most so many pixels, a whole fraction of the image's sides: programs made with
# Pillow take a file of more for an attack, and few viewers open it.
_MAX_OVERLAY_PIXELS = 89_000_000
# Larger overlays are shrunk to this: the format's 65500, less what a legend may add.
_MAX_JPEG_SIZE = 40_000
# File systems allow 255 bytes in a name; the rest is for the endings and a number.
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
      legend: whether the overlay has a legend below.
      ids_format: "png" (8-bit gray) or "npy" (int32) for the plain class ids; None for none.
      probabilities: whether to write probabilities, as float16.
    """

    opacity: float = 0.5
    legend: bool = True
    ids_format: str | None = None
    probabilities: bool = False

    @property
    def endings(self) -> tuple[str, ...]:
        """Endings of the files that are written."""
        ids = (IDS_ENDINGS[self.ids_format],) if self.ids_format else ()
        probabilities = (PROBABILITIES_ENDING,) if self.probabilities else ()
        return (MASK_ENDING, OVERLAY_ENDING, *ids, *probabilities)

    @property
    def possible_endings(self) -> tuple[str, ...]:
        """Endings of what is written for any image, a georeferenced one too."""
        return (*self.endings, geotiff.MASK_ENDING)


def choose_names(paths: Sequence[str]) -> list[str]:
    """Returns a different name for the results of each image.

    It is the image's stem. Images of one stem are told apart by their folders, and those of one
    folder by their extensions: `a/x.jpg` and `b/x.jpg` become `a_x` and `b_x`, `x.jpg` and `x.png`
    become `x_jpg` and `x_png`. Names too long for a file system are cut and end in a digest.

    Names that differ only in the case of letters, or in how accents are encoded, count as equal, as
    in some file systems.
    """
    if not paths:
        return []
    paths = [os.path.abspath(path) for path in paths]
    shared = os.path.commonpath([os.path.dirname(path) for path in paths])
    parts = [os.path.relpath(path, shared).split(os.sep) for path in paths]
    names = [""] * len(paths)
    levels = [-1] * len(paths)
    clashing = list(range(len(paths)))
    while clashing:
        for index in clashing:
            levels[index] += 1
            names[index] = _name(parts[index], index, levels[index])
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
    """Removes what killed runs left in a folder of results; returns the paths."""
    return files.remove_leftovers(directory, _OLD_TEMPORARY_NAME)


def result_paths(directory: str, name: str, options: ResultOptions) -> list[str]:
    """Returns the files that `write_results` writes for an image."""
    return [os.path.join(directory, name + ending) for ending in options.endings]


def write_results(
    directory: str,
    name: str,
    image: Image.Image,
    class_ids: np.ndarray,
    probabilities: np.ndarray | None,
    class_names: Sequence[str],
    palette: visualize.Palette,
    options: ResultOptions,
    facts: geotiff.GeoFacts | None = None,
) -> np.ndarray:
    """Writes the files of one image, each whole or not at all.

    Args:
      directory: an existing folder.
      name: what the files' names begin with.
      image: the RGB image, which becomes the overlay, or is closed if that is reduced.
      class_ids: integers [height, width].
      probabilities: float32 [height, width, num_classes], or None where `options` ask for none.
      class_names: name of each class id.
      palette: RGB color, 0..255, of each class id.
      options: what to write.
      facts: georeference of the image, whose mask then is a GeoTIFF; None for a PNG.

    Returns:
      float64 [num_classes], each class's share of the pixels.
    """
    shares = visualize.class_shares(class_ids, len(class_names))
    base = os.path.join(directory, name)
    if facts is None:
        _write_image(base + MASK_ENDING, visualize.mask_image(class_ids, palette), "PNG")
    else:
        path = base + geotiff.MASK_ENDING
        with geotiff.writing_mask(path, facts, class_names, palette) as writer:
            writer.write(0, 0, class_ids)
    if options.ids_format == "png":
        gray = Image.fromarray(class_ids.astype(np.uint8))
        _write_image(base + IDS_ENDINGS["png"], gray, "PNG")
    elif options.ids_format == "npy":
        with _replacing(base + IDS_ENDINGS["npy"]) as file:
            _save_npy(file, class_ids)
    if options.probabilities:
        assert probabilities is not None
        with _replacing(base + PROBABILITIES_ENDING) as file:
            np.savez_compressed(
                file,
                probabilities=probabilities.astype(np.float16),
                class_names=np.array(class_names),
            )
    factor = overlay_reduction(image.height, image.width)
    if factor > 1:
        reduced = image.reduce(factor)
        image.close()  # Frees its pixels, whoever still holds it.
        image, class_ids = reduced, class_ids[::factor, ::factor]
    write_overlay(directory, name, image, class_ids, shares, class_names, palette, options)
    return shares


def write_overlay(
    directory: str,
    name: str,
    image: Image.Image,
    class_ids: np.ndarray,
    shares: np.ndarray,
    class_names: Sequence[str],
    palette: visualize.Palette,
    options: ResultOptions,
) -> None:
    """Paints an image, which is changed, and writes it with its legend; see `write_results`."""
    visualize.paint_overlay(image, class_ids, palette, class_names, options.opacity)
    if max(image.size) > _MAX_JPEG_SIZE:
        image.thumbnail((_MAX_JPEG_SIZE, _MAX_JPEG_SIZE))
    if options.legend:
        image = legend.append_legend(image, shares, class_names, palette)
    # Full color resolution: at half of it, the edges of the outlines bleed.
    path = os.path.join(directory, name + OVERLAY_ENDING)
    _write_image(path, image, "JPEG", quality=_JPEG_QUALITY, subsampling=0)


def overlay_reduction(height: int, width: int) -> int:
    """Returns by what number the sides of an image are divided in its overlay."""
    return math.ceil(math.sqrt(height * width / _MAX_OVERLAY_PIXELS))


def _write_image(path: str, image: Image.Image, file_format: str, **how: Any) -> None:
    """Writes an image whole, or not at all.

    It is encoded in memory: Pillow's encoders do not notice a write that a full disk cuts short.
    """
    content = io.BytesIO()
    image.save(content, file_format, **how)
    files.write(path, content.getbuffer())


def _save_npy(file: BinaryIO, class_ids: np.ndarray) -> None:
    """Writes int32 as `np.save` does, which does not notice a write that a full disk cuts short."""
    header = {"descr": "<i4", "fortran_order": False, "shape": class_ids.shape}
    np.lib.format.write_array_header_1_0(file, header)
    for row in class_ids:
        file.write(row.astype("<i4").tobytes())


@contextlib.contextmanager
def _replacing(path: str) -> Iterator[BinaryIO]:
    """Opens a file that is written whole, or not at all."""
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        yield file
