"""Supervisely's export: classes, and a JSON file of objects for each image.

    my_export/
      meta.json                   {"classes": [{"title": name, "color": "#rrggbb", …}, …]}
      ds0/
        img/a.jpg
        ann/a.jpg.json
      ds1/ …

Folders of datasets are splits if they all have names of splits; otherwise the tags `train`, `val`
and `test` of images are, if there are such. Polygons with holes and rectangles are filled as
Supervisely does, with OpenCV; bitmaps are taken as they are. A later object lies above.
"""

import collections
import dataclasses
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common import image_files, json_files
from common.texts import first_few, printable
from datasets.images import image_folders
from datasets.records import split_names
from datasets.records.problems import Problem, unused
from datasets.segmentation.annotations import export_images, json_exports, label_roles
from datasets.segmentation.annotations.export_images import Entry
from datasets.segmentation.annotations.labeled_image import Annotations, Region
from datasets.segmentation.annotations.shapes import Point, Shape, Size
from datasets.segmentation.annotations.tool_shapes import (
    EncodedBitmap,
    PolygonWithHoles,
    Unreadable,
)
from datasets.segmentation.masks.mask_format import Color
from datasets.segmentation.sources import annotated

_META, _IMAGES, _ANNOTATIONS = "meta.json", "img", "ann"
_ENDING = ".json"
_ALL = "all"
# Shapes that never have an area.
_FLAT_SHAPES = frozenset({"line", "point", "graph"})
_EXPECTED = "Supervisely's meta.json and, for each dataset, a folder with img/ and ann/"
_ADVICE = "Export the project again with its images, or put them into img/ beside each ann/."


def matches(data_dir: str) -> bool:
    """Whether a folder has Supervisely's list of classes, and a folder of annotations."""
    path = os.path.join(data_dir, _META)
    return (
        os.path.isfile(path)
        and json_exports.begins_with(path, "{", frozenset({"classes"}))
        and bool(_find_datasets(data_dir))
    )


def _read_export(data_dir: str) -> Annotations:
    """Reads an export.

    Raises:
      ValueError: the folder is laid out otherwise, or a file is not as expected.
    """
    datasets = _find_datasets(data_dir)
    meta = os.path.join(data_dir, _META)
    if not datasets or not os.path.isfile(meta):
        raise ValueError(image_folders.describe_contents(data_dir, _EXPECTED))
    declared, colors = _read_classes(meta)
    reader = _Reader(data_dir, datasets)
    entries = reader.read()
    splits, problems = export_images.collect(entries, data_dir, _ADVICE)
    used = {region.label for entry in entries for region in entry.regions}
    names = (*declared, *sorted(used - {*declared}))
    background = label_roles.find_background(names)
    return Annotations(
        splits=splits,
        labels=names,
        colors=colors,
        background=background,
        ignored=label_roles.find_ignored(names, background),
        problems=[
            *problems,
            *export_images.describe_left_out(reader.left_out, data_dir),
            *_describe_unlabeled(datasets, entries, data_dir),
        ],
    )


open_source = annotated.opener(_read_export, _EXPECTED)


def _find_datasets(data_dir: str) -> dict[str, str]:
    """Returns the folders with annotations by their paths in the export; datasets may nest."""
    found = {}
    for name, path in image_folders.subfolders(data_dir).items():
        inside = image_folders.subfolders(path)
        if _ANNOTATIONS in inside:
            found[name] = path
        if name not in (_IMAGES, _ANNOTATIONS):
            below = {key: inside[key] for key in inside if key not in (_IMAGES, _ANNOTATIONS)}
            if below:
                nested = _find_datasets(path)
                found.update((f"{name}/{key}", value) for key, value in nested.items())
    return found


def _read_classes(path: str) -> tuple[tuple[str, ...], dict[str, Color]]:
    """Returns the titles of the classes that can have an area, and their colors."""
    content = json_exports.read(path)
    classes = content.get("classes") if isinstance(content, dict) else None
    if not isinstance(classes, list):
        raise ValueError(f"{printable(path)} has no list 'classes'; expected Supervisely's form.")
    names: dict[str, None] = {}
    colors: dict[str, Color] = {}
    for entry in classes:
        title = entry.get("title") if isinstance(entry, dict) else None
        if not isinstance(title, str) or not title:
            raise ValueError(
                f"{printable(path)}: classes has {json_files.shown(entry)}; expected a title."
            )
        if str(entry.get("shape")) in _FLAT_SHAPES:
            continue
        names[title] = None
        color = label_roles.parse_color(entry.get("color"))
        if color is not None:
            colors[title] = color
    return tuple(names), colors


class _Reader:
    """Reads the annotations of datasets, and counts what of them is left out."""

    def __init__(self, data_dir: str, datasets: Mapping[str, str]):
        self._data_dir = data_dir
        self._datasets = datasets
        self.left_out: collections.Counter[str] = collections.Counter()

    def read(self) -> list[Entry]:
        """Returns all images."""
        read = [
            (dataset, *self._read(path, file))
            for dataset, path in self._datasets.items()
            for file in image_folders.files_in(os.path.join(path, _ANNOTATIONS))
            if file.endswith(_ENDING)
        ]
        of_datasets = {name: _split_of([name]) for name in self._datasets}
        are_splits = None not in of_datasets.values()
        has_tags = not are_splits and any(_split_of(tags) for _, tags, _ in read)
        # Names of images are their own within a dataset, and perhaps not within a split.
        splits = set(of_datasets.values()) if are_splits else {_ALL}
        has_folders = len(splits) < len(self._datasets)
        entries = []
        for dataset, tags, entry in read:
            split = of_datasets[dataset] if are_splits else _ALL
            if has_tags:
                split = _split_of(tags)
            if split is None:
                self.left_out["image without a tag of a split"] += 1
                continue
            file = f"{dataset}/{entry.file}" if has_folders else entry.file
            entries.append(dataclasses.replace(entry, split=split, file=file))
        return entries

    def _read(self, folder: str, file: str) -> tuple[list[str], Entry]:
        path = os.path.join(folder, _ANNOTATIONS, file)
        content: Any = {}
        regions: list[Region] = []
        damage = None
        try:
            content = json_exports.read(path)
            objects = content.get("objects") if isinstance(content, dict) else None
            if not isinstance(objects, list):
                raise ValueError(
                    f"{printable(path)} has no list 'objects'; expected Supervisely's form."
                )
            regions = list(self._regions(objects))
        except ValueError as error:
            content, damage = {}, str(error)
        size = content.get("size")
        image, is_found = _find_image(os.path.join(folder, _IMAGES), file)
        entry = Entry(
            split="",
            file=os.path.basename(image),
            path=image,
            is_found=is_found,
            annotation_path=path,
            regions=regions,
            size=_size(size) if isinstance(size, dict) else None,
            damage=damage,
        )
        return _tags_of(content), entry

    def _regions(self, objects: Sequence[Any]) -> Iterator[Region]:
        for each in objects:
            label = each.get("classTitle") if isinstance(each, dict) else None
            if not isinstance(label, str) or not label:
                self.left_out["object without a class"] += 1
                continue
            shape = _shape(each)
            if shape is None:
                self.left_out[str(each.get("geometryType", "object"))] += 1
            else:
                yield Region(label, shape)


def _describe_unlabeled(
    datasets: Mapping[str, str], entries: Sequence[Entry], data_dir: str
) -> Iterator[Problem]:
    """Says which images have no annotation."""
    labeled = {os.path.normpath(entry.path) for entry in entries}
    rest = [
        f"{dataset}/{file}"
        for dataset, path in datasets.items()
        for file in image_folders.files_in(os.path.join(path, _IMAGES))
        if os.path.normpath(os.path.join(path, _IMAGES, file)) not in labeled
    ]
    if rest:
        yield unused(data_dir, len(rest), f": images without an annotation, {first_few(rest)}")


def _split_of(names: Sequence[str]) -> str | None:
    """Returns the split that the first name of one means."""
    found = (split_names.SPLITS.get(image_folders.fold(os.path.basename(name))) for name in names)
    return next(filter(None, found), None)


def _tags_of(content: Mapping[str, Any]) -> list[str]:
    tags = content.get("tags")
    listed = tags if isinstance(tags, list) else []
    named = [tag.get("name") for tag in listed if isinstance(tag, dict)]
    return [name for name in named if isinstance(name, str)]


def _find_image(folder: str, file: str) -> tuple[str, bool]:
    """Returns the path of the image of an annotation, and whether it is there."""
    name = file[: -len(_ENDING)]
    path = os.path.join(folder, name)
    if os.path.isfile(path):
        return path, True
    # Older exports call the annotation of a.jpg a.json.
    for ending in image_files.ENDINGS:
        if os.path.isfile(path + ending):
            return path + ending, True
    return path, False


def _size(value: Mapping[str, Any]) -> Size | None:
    size = value.get("height"), value.get("width")
    if all(isinstance(each, int) and 0 < each < 1 << 20 for each in size):
        return size  # type: ignore[return-value]
    return None


def _shape(entry: Mapping[str, Any]) -> Shape | None:
    """Returns the shape of an object; None if it covers no area."""
    kind = entry.get("geometryType") or ("bitmap" if entry.get("bitmap") else "polygon")
    try:
        if kind == "bitmap":
            left, top = entry["bitmap"]["origin"]
            return EncodedBitmap(str(entry["bitmap"]["data"]), int(left), int(top))
        if kind == "polygon":
            points = entry["points"]
            interiors = tuple(map(_points, points.get("interior") or ()))
            return PolygonWithHoles(_points(points["exterior"]), interiors)
        if kind == "rectangle":
            (x, y), (right, bottom) = _points(entry["points"]["exterior"])
            return PolygonWithHoles(((x, y), (right, y), (right, bottom), (x, bottom)))
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        return Unreadable(f"a {kind} cannot be read: {type(error).__name__}, {error}.")
    return None


def _points(values: Sequence[Sequence[float]]) -> tuple[Point, ...]:
    points = tuple((float(x), float(y)) for x, y in values)
    if not all(math.isfinite(each) for point in points for each in point):
        raise ValueError("a coordinate is not a number")
    return points
