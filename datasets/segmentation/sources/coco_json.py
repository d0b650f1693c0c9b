"""COCO's JSON with regions: COCO itself, Roboflow's and CVAT's exports in this form, and others.

    coco/                                         my_export/
      annotations/instances_train2017.json          train/_annotations.coco.json
      annotations/instances_val2017.json            train/a.jpg …
      train2017/  val2017/                          valid/_annotations.coco.json …

Images lie anywhere in the folder. Polygons and run lengths become the pixels that pycocotools makes
of them, a crowd is of its category, and a smaller region lies above a larger one. Classes follow
the background in the order of their ids. Where there are `instances_` and `stuff_` files, the
former count.
"""

import array
import collections
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.texts import first_few, printable
from datasets.images import image_folders
from datasets.records.problems import WARNING, Problem
from datasets.segmentation.annotations import coco_files, export_images, label_roles
from datasets.segmentation.annotations.coco_files import CocoFile
from datasets.segmentation.annotations.export_images import Entry, ImageFinder
from datasets.segmentation.annotations.labeled_image import Annotations, LabeledImage, Region
from datasets.segmentation.annotations.shapes import CocoPolygons, CocoRuns, Shape
from datasets.segmentation.sources import annotated

KINDS = ("instances", "stuff")
OTHERS = ("panoptic", "captions", "image_info", "labels", "person_keypoints")

_EXPECTED = "COCO's JSON, such as annotations/instances_train2017.json, and its images"
_ADVICE = "Put the images into this folder, under the names that the JSON file gives them."


def matches(data_dir: str) -> bool:
    """Whether a folder, or one in it, has a file of COCO's form that may have regions."""
    return bool(coco_files.find(data_dir, KINDS, OTHERS))


def _read_export(data_dir: str) -> Annotations:
    """Reads an export.

    Raises:
      ValueError: there is no such file, it has no regions, or it is not as expected.
    """
    paths = coco_files.find(data_dir, KINDS, OTHERS)
    if not paths:
        contents = image_folders.describe_contents(data_dir, _EXPECTED)
        raise ValueError(f"{contents} For captions give --dataset=coco_captions.")
    reader = _Reader(data_dir)
    entries = [
        entry
        for path, split in paths.items()
        for entry in reader.read(coco_files.read(path, split))
    ]
    if not any(entry.regions or entry.damage for entry in entries):
        raise ValueError(
            f"{printable(next(iter(paths)))} has no regions of images, neither polygons nor run "
            "lengths. Export it with segmentations; boxes alone do not make masks."
        )
    splits, problems = export_images.collect(entries, data_dir, _ADVICE)
    background = label_roles.find_background(reader.labels)
    return Annotations(
        splits=splits,
        labels=list(reader.labels),
        colors=reader.colors if len(reader.colors) == len(reader.labels) else {},
        background=background,
        ignored=label_roles.find_ignored(reader.labels, background),
        problems=[*problems, *reader.describe(splits)],
    )


open_source = annotated.opener(_read_export, _EXPECTED, annotated.SMALL_ABOVE_LARGE)


class _Reader:
    """Reads files, and counts what of them is left out.

    Attributes:
      labels: names of categories, in the order of their ids; a dict for its order.
      colors: of those that have one.
    """

    def __init__(self, data_dir: str):
        self.labels: dict[str, None] = {}
        self.colors: dict[str, tuple[int, int, int]] = {}
        self._data_dir = data_dir
        self._finder = ImageFinder(data_dir)
        self._left_out: collections.Counter[str] = collections.Counter()
        self._problems: list[Problem] = []

    def read(self, file: CocoFile) -> Iterator[Entry]:
        """Yields the images of a file."""
        file, problems = coco_files.drop_supercategories(file)
        self._problems += problems
        counts = collections.Counter(each.name for each in file.categories.values())
        repeated = first_few(name for name, count in counts.items() if count > 1)
        if repeated:
            message = f"categories of one name are one class: {repeated}."
            self._problems.append(Problem(WARNING, "classes", message, file.path))
        for category in file.categories.values():
            self.labels[category.name] = None
            if category.color:
                self.colors[category.name] = category.color
        regions, damages = self._regions(file)
        folder = os.path.relpath(os.path.dirname(file.path), self._data_dir).replace(os.sep, "/")
        for number, fields in file.images.items():
            name = fields.get("file_name")
            if not isinstance(name, str) or not name:
                raise ValueError(f"{printable(file.path)}: image {number} has no file_name.")
            found = self._finder.find(name, (folder, f"{folder}/images", "images", ""))
            height, width = fields.get("height"), fields.get("width")
            yield Entry(
                split=file.split,
                file=name,
                path=found or self._finder.expected(name),
                is_found=found is not None,
                annotation_path=file.path,
                regions=regions.get(number, ()),
                size=(height, width)
                if isinstance(height, int) and isinstance(width, int)
                else None,
                damage=damages.get(number),
            )

    def describe(self, splits: Mapping[str, Sequence[LabeledImage]]) -> Iterator[Problem]:
        """Says what was left out of images that are labeled, and which are not."""
        yield from self._problems
        yield from self._finder.describe(splits)
        yield from export_images.describe_left_out(self._left_out, self._data_dir)

    def _regions(self, file: CocoFile) -> tuple[dict[Any, list[Region]], dict[Any, str]]:
        """Returns the regions of each image, by its id, and why those of some cannot be read."""
        regions: dict[Any, list[Region]] = collections.defaultdict(list)
        damages: dict[Any, str] = {}
        orphans: list[str] = []
        for number, fields in enumerate(file.annotations, start=1):
            where = f"{printable(file.path)}: annotation {number}"
            if fields.get("image_id") not in file.images:
                orphans.append(f"annotation {number} has the image_id {fields.get('image_id')!r}")
                continue
            category = file.categories.get(fields.get("category_id"))
            if category is None:
                damages.setdefault(
                    fields["image_id"],
                    f"{where} has the category_id {fields.get('category_id')!r}, of no category.",
                )
                continue
            try:
                shape = _shape(fields.get("segmentation"))
            except (TypeError, ValueError, KeyError, OverflowError):
                damages.setdefault(
                    fields["image_id"], f"{where} has a segmentation of another form."
                )
                continue
            if shape is None:
                self._left_out["annotations without polygons"] += 1
            else:
                regions[fields["image_id"]].append(Region(category.name, shape))
        if len(orphans) == len(file.annotations) > 0:  # It is not that some images were taken out.
            raise ValueError(f"{printable(file.path)}: {orphans[0]}, of no image.")
        if orphans:
            message = f"{len(orphans)} annotations of no image are left out: {first_few(orphans)}."
            self._problems.append(Problem(WARNING, "unused", message, file.path))
        return regions, damages


def _shape(value: Any) -> Shape | None:
    """Returns the shape of a segmentation; None for an empty one."""
    if isinstance(value, Mapping):
        height, width = (int(side) for side in value["size"])
        counts = value["counts"]
        if not isinstance(counts, str):
            counts = tuple(int(count) for count in counts)
        return CocoRuns(counts, (height, width))
    # Numbers of 8 bytes: COCO has some 40 million of them.
    rings = tuple(array.array("d", ring) for ring in value or ())
    rings = tuple(ring for ring in rings if len(ring) >= 6)
    return CocoPolygons(rings) if rings else None
