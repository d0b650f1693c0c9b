"""Cuts images and masks into tiles: a folder of them, laid out as `sources.folder` reads it.

An image of 6000x6000 pixels is decoded whole for each crop of it that training sees, which takes a
second. Tiles are cut once. Those of a side are as many as it takes to cover it and evenly spaced,
so that neighbors overlap a little where the side is no multiple of the tile's, and nothing is cut
off or padded. Tiles without a labeled pixel are left out.

    OUTPUT/classes.json
    OUTPUT/images/SPLIT/NAME_TOP_LEFT.png
    OUTPUT/masks/SPLIT/NAME_TOP_LEFT.png

An image that is one tile keeps its file as records would keep it.
"""

import functools
import os
from collections.abc import Iterator

import cv2
import numpy as np

from common import files, json_files
from datasets.records import workers
from datasets.segmentation.class_statistics import count_ids
from datasets.segmentation.sources import class_file
from datasets.segmentation.sources.source import Sample, Source

_FOLDERS = "images", "masks"
# A higher one takes longer and saves little on photos.
_PNG_COMPRESSION = [cv2.IMWRITE_PNG_COMPRESSION, 3]


def cut(source: Source, output_dir: str, tile_size: int, num_workers: int | None = None) -> int:
    """Cuts all images of a source; the folder appears when it is complete.

    Args:
      output_dir: folder of the tiles, which must not exist yet or be empty.
      tile_size: height and width of a tile, pixels; of images that are smaller, less.
      num_workers: threads; None for one per core.

    Returns:
      The number of tiles.

    Raises:
      ValueError: the folder holds something, a file is damaged or of a refused kind, or an image
        and its mask differ in size; the message names the file.
      OSError: a file cannot be opened or written.
    """
    if os.path.isdir(output_dir) and os.listdir(output_dir):
        raise ValueError(
            f"{output_dir} is not empty. Remove it, or choose another folder with --output_dir."
        )
    num_tiles = 0
    with files.replacing_folder(output_dir) as folder:
        for split, samples in source.splits.items():
            cut_sample = functools.partial(
                _cut_sample, source, folder=folder, split=split, tile_size=tile_size
            )
            num_tiles += sum(
                workers.map_in_order(
                    cut_sample, samples, description=f"cutting {split}", num_workers=num_workers
                )
            )
        _write_classes(source, os.path.join(folder, class_file.NAME))
    return num_tiles


def starts(side: int, tile_size: int) -> list[int]:
    """Returns the first pixel of each tile along a side."""
    if side <= tile_size:
        return [0]
    count = -(-side // tile_size)
    return [round(number * (side - tile_size) / (count - 1)) for number in range(count)]


def _cut_sample(source: Source, sample: Sample, folder: str, split: str, tile_size: int) -> int:
    """Writes the tiles of an image, and returns their number."""
    image, mask = source.read_example(sample)
    source.require_known_ids(sample, count_ids(mask))
    num_tiles = 0
    for top, left, part in _parts(image.size, tile_size):
        labels = mask[part]
        if (labels == source.ignore_label).all():
            continue
        num_tiles += 1
        if labels.shape == mask.shape:
            name, ending, content = sample.name, image.format, image.encoded
        else:
            assert image.rgb is not None
            name, ending = f"{sample.name}_{top}_{left}", "png"
            content = _png(cv2.cvtColor(image.rgb[part], cv2.COLOR_RGB2BGR))
        for kind, end, data in zip(_FOLDERS, (ending, "png"), (content, _png(labels)), strict=True):
            path = os.path.join(folder, kind, split, f"{name}.{end}")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
    return num_tiles


def _parts(size: tuple[int, int], tile_size: int) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    """Yields the top, left, rows and columns of each tile of an image."""
    rows, columns = (starts(side, tile_size) for side in size)
    for top in rows:
        for left in columns:
            yield top, left, (slice(top, top + tile_size), slice(left, left + tile_size))


def _png(pixels: np.ndarray) -> bytes:
    succeeded, encoded = cv2.imencode(".png", np.ascontiguousarray(pixels), _PNG_COMPRESSION)
    assert succeeded, "OpenCV cannot encode PNG"
    return encoded.tobytes()


def _write_classes(source: Source, path: str) -> None:
    content = {
        "names": source.class_names,
        "palette": source.palette,
        "ignore_label": source.ignore_label,
    }
    json_files.write(path, content)
