"""COCO's panoptic form: a PNG file of segments for each image, and JSON with their categories.

    coco/
      annotations/panoptic_train2017.json   panoptic_val2017.json
      annotations/panoptic_train2017/*.png  panoptic_val2017/*.png
      train2017/  val2017/                  images

The color of a pixel is the id of its segment, red + 256 green + 65536 blue. Things and stuff cover
an image together, so there is no background: pixels of no segment are ignored.
"""

import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from common.texts import first_few, printable
from datasets.images import image_folders
from datasets.segmentation.annotations import coco_files, export_images
from datasets.segmentation.annotations.coco_files import CocoFile
from datasets.segmentation.annotations.export_images import Entry, ImageFinder
from datasets.segmentation.annotations.labeled_image import Annotations, Region
from datasets.segmentation.annotations.shapes import Size
from datasets.segmentation.masks.raw_mask import read_raw_mask
from datasets.segmentation.sources import annotated, coco_json

_KIND = "panoptic"
_EXPECTED = "COCO's panoptic JSON with its PNG files, such as annotations/panoptic_train2017"
_ADVICE = "Put the images into this folder, under the names that the JSON file gives them."


@dataclasses.dataclass(frozen=True)
class Segments:
    """Some of the segments in a PNG file, which is read when they are drawn."""

    path: str
    ids: tuple[int, ...]

    def cover(self, size: Size) -> np.ndarray:
        values = read_raw_mask(self.path).values
        if values.shape[:2] != size:
            height, width = values.shape[:2]
            raise ValueError(f"{self.path} is {width}x{height}, and its image {size[1]}x{size[0]}.")
        if values.ndim == 3:
            wide = values.astype(np.int64)
            values = wide[..., 0] + (wide[..., 1] << 8) + (wide[..., 2] << 16)
        return np.isin(values, self.ids)


def matches(data_dir: str) -> bool:
    """Whether a folder, or one in it, has a panoptic JSON file, and no `coco_json` beside it."""
    return bool(_find(data_dir)) and not coco_json.matches(data_dir)


def _read_export(data_dir: str) -> Annotations:
    """Reads an export.

    Raises:
      ValueError: there is no such file, or it is not as expected.
    """
    paths = _find(data_dir)
    if not paths:
        raise ValueError(image_folders.describe_contents(data_dir, _EXPECTED))
    finder = ImageFinder(data_dir)
    labels: dict[str, None] = {}
    entries: list[Entry] = []
    for path, split in paths.items():
        file = coco_files.read(path, split)
        labels.update(dict.fromkeys(each.name for each in file.categories.values()))
        entries += _entries(file, finder)
    splits, problems = export_images.collect(entries, data_dir, _ADVICE)
    return Annotations(splits=splits, labels=list(labels), is_complete=True, problems=problems)


open_source = annotated.opener(_read_export, _EXPECTED)


def _find(data_dir: str) -> dict[str, str]:
    found = coco_files.find(data_dir, (_KIND,), ())
    return {
        path: split
        for path, split in found.items()
        if os.path.basename(path).startswith(f"{_KIND}_")
    }


def _entries(file: CocoFile, finder: ImageFinder) -> Iterator[Entry]:
    """Yields the images of a file."""
    png_dir = os.path.splitext(file.path)[0]
    for number, fields in enumerate(file.annotations, start=1):
        where = f"{printable(file.path)}: annotation {number}"
        image = file.images.get(fields.get("image_id"))
        name, png = (image or {}).get("file_name"), fields.get("file_name")
        if not isinstance(name, str) or not isinstance(png, str):
            raise ValueError(f"{where} has no file_name, or an image_id of no image with one.")
        path = os.path.join(png_dir, png)
        found = finder.find(name)
        yield Entry(
            split=file.split,
            file=name,
            path=found or finder.expected(name),
            is_found=found is not None,
            annotation_path=path,
            regions=_regions(file, fields.get("segments_info"), path, where),
        )


def _regions(file: CocoFile, segments: Any, path: str, where: str) -> list[Region]:
    ids: dict[str, list[int]] = {}
    try:
        for each in segments:
            ids.setdefault(file.categories[each["category_id"]].name, []).append(int(each["id"]))
    except (TypeError, KeyError, ValueError, OverflowError):
        known = first_few(file.categories, 10)
        raise ValueError(
            f"{where} has segments_info of another form, or a category that is none of {known}."
        ) from None
    return [Region(label, Segments(path, tuple(each))) for label, each in ids.items()]
