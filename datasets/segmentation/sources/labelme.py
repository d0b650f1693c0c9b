"""labelme's JSON files, one for each image, with the images beside them.

    my_images/
      a.jpg  a.json
      b.jpg  b.json
      labels.txt                optional: the labels in order, as labelme itself takes them

Folders that all have names of splits (`train/`, `val/`) are splits. Shapes become the pixels that
labelme's own programs make of them: a later one lies above, lines are 10 pixels thick, points are
discs of radius 5. An image that is no file is taken out of its JSON file. `__ignore__` is never
trained on, `_background_` is what no shape covers. Without `labels.txt` the labels are sorted, as
labelme sorts them.
"""

import collections
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common import files, json_files
from common.texts import first_few, printable
from datasets.images import image_folders
from datasets.records.problems import Problem, unused
from datasets.segmentation.annotations import export_images, json_exports, label_roles
from datasets.segmentation.annotations.export_images import Entry, ImageFinder
from datasets.segmentation.annotations.labeled_image import Annotations, LabeledImage, Region
from datasets.segmentation.annotations.shapes import Circle, Line, Point, Polygon, Rectangle, Shape
from datasets.segmentation.annotations.tool_shapes import EncodedBitmap
from datasets.segmentation.sources import annotated, layouts

LABELS_FILE = "labels.txt"

_KEYS = frozenset({"shapes"})
_IGNORE = "__ignore__"
_LINE_WIDTH, _POINT_RADIUS = 10, 5
_MAX_ASKED = 20
_EXPECTED = "labelme's JSON files and their images"
_IMAGE_KEY = "imageData"
_ADVICE = "Put each image beside its JSON file, under the same name."


def matches(data_dir: str) -> bool:
    """Whether a folder has JSON files as labelme writes them, perhaps in subfolders.

    Where it has masks, too, those are what was made of them.
    """
    if layouts.has_masks(data_dir):
        return False
    names = [name for name in image_folders.walk(data_dir) if name.lower().endswith(".json")]
    return any(_is_of_labelme(os.path.join(data_dir, name)) for name in names[:_MAX_ASKED])


def _read_export(data_dir: str) -> Annotations:
    """Reads an export.

    Raises:
      ValueError: there are no such files, or one is not as expected.
    """
    files = [name for name in image_folders.walk(data_dir) if name.lower().endswith(".json")]
    names = [name for name in files if _is_of_labelme(os.path.join(data_dir, name))]
    others = sorted({*files} - {*names})
    if not names:
        raise ValueError(image_folders.describe_contents(data_dir, _EXPECTED))
    finder = ImageFinder(data_dir)
    # One that is empty or cut off labels an image all the same, which is not to go unnoticed.
    damaged = [name for name in others if finder.find_stem(os.path.splitext(name)[0])]
    names = sorted([*names, *damaged])
    others = sorted({*others} - {*damaged})
    reader = _Reader(data_dir, finder, _split_of(names))
    entries = [reader.read(name) for name in names]
    splits, problems = export_images.collect(entries, data_dir, _ADVICE)
    labels = _labels(data_dir, {region.label for entry in entries for region in entry.regions})
    background = label_roles.find_background(labels)
    return Annotations(
        splits=splits,
        labels=[each for each in labels if each != _IGNORE],
        background=background,
        ignored=frozenset({_IGNORE}),
        problems=[*problems, *reader.describe(splits, others)],
    )


open_source = annotated.opener(_read_export, _EXPECTED)


class _Reader:
    """Reads labelme's files, and counts what of them is left out."""

    def __init__(self, data_dir: str, finder: ImageFinder, split_of: Mapping[str, str]):
        self._data_dir = data_dir
        self._split_of = split_of
        self._finder = finder
        self._left_out: collections.Counter[str] = collections.Counter()

    def read(self, name: str) -> Entry:
        """Reads a file, given relative to the folder."""
        path = os.path.join(self._data_dir, name)
        content: Mapping[str, Any] = {}
        regions: list[Region] = []
        damage = None
        try:
            content = json_exports.read(path)
            shapes = json_files.check(
                content.get("shapes"), tuple[Mapping[str, Any], ...], path, "shapes"
            )
            regions = list(self._regions(shapes, path))
        except ValueError as error:
            damage = str(error)
        height: Any = content.get("imageHeight")
        width: Any = content.get("imageWidth")
        has_size = all(type(side) is int and side > 0 for side in (height, width))
        found = self._find_image(name, content.get("imagePath"))
        is_inside = found is None and isinstance(content.get(_IMAGE_KEY), str)
        if is_inside:
            found = path
        stem = os.path.splitext(name)[0]
        return Entry(
            split=self._split_of[name],
            file=stem + (os.path.splitext(found)[1] if found else ".jpg"),
            path=found or os.path.join(self._data_dir, stem + ".jpg"),
            is_found=found is not None,
            annotation_path=path,
            regions=regions,
            size=(height, width) if has_size else None,
            damage=damage,
            image_key=_IMAGE_KEY if is_inside else None,
        )

    def describe(
        self, splits: Mapping[str, Sequence[LabeledImage]], others: Sequence[str]
    ) -> Iterator[Problem]:
        """Says what was left out.

        Args:
          splits: the images that are labeled.
          others: JSON files that are not labelme's.
        """
        yield from export_images.describe_left_out(self._left_out, self._data_dir)
        yield from self._finder.describe(splits)
        if others:
            yield unused(self._data_dir, len(others), f": not labelme's, {first_few(others)}")

    def _find_image(self, name: str, image_path: object) -> str | None:
        """Returns where an image is: where its file says, beside it, or elsewhere in the folder."""
        stem = os.path.splitext(name)[0]
        beside = self._finder.find_stem(stem)
        if not isinstance(image_path, str) or not image_path:
            return beside
        relative = os.path.join(os.path.dirname(name), image_path.replace("\\", "/"))
        path = os.path.normpath(os.path.join(self._data_dir, relative))
        if os.path.isfile(path) and not path.lower().endswith(".json"):
            return path
        return beside or self._finder.find(image_path)

    def _regions(self, shapes: tuple[Mapping[str, Any], ...], path: str) -> Iterator[Region]:
        for number, fields in enumerate(shapes, start=1):
            label = fields.get("label")
            if not isinstance(label, str) or not label:
                self._left_out["shapes without a label"] += 1
                continue
            kind = fields.get("shape_type") or "polygon"  # Early versions had no other.
            points = _points(fields.get("points"), path, number)
            shape = _shape(kind, points, fields.get("mask"))
            if shape is None:
                self._left_out[f"{kind}s of {len(points)} points"] += 1
            else:
                yield Region(label, shape)


def _shape(kind: str, points: tuple[Point, ...], mask: object) -> Shape | None:
    """Returns a shape; None for one that labelme does not turn into pixels either."""
    count = len(points)
    if kind == "polygon" and count > 2:
        return Polygon(points)
    if kind == "rectangle" and count == 2:
        return Rectangle((points[0], points[1]))
    if kind == "oriented_rectangle" and count == 4:
        return Polygon(points)
    if kind == "circle" and count == 2:
        return Circle(points[0], math.dist(*points))
    if kind in ("line", "linestrip") and count > 1:
        return Line(points, _LINE_WIDTH)
    if kind == "point" and count == 1:
        return Circle(points[0], _POINT_RADIUS)
    if kind == "mask" and count == 2 and isinstance(mask, str):
        left, top = map(int, points[0])
        return EncodedBitmap(mask, left, top, is_compressed=False)
    return None


def _points(value: object, path: str, number: int) -> tuple[Point, ...]:
    try:
        assert isinstance(value, tuple)
        points = tuple((float(x), float(y)) for x, y in value)
    except (AssertionError, TypeError, ValueError):
        raise ValueError(
            f"{printable(path)}: the points of shape {number} are not pairs of numbers."
        ) from None
    return points


def _labels(data_dir: str, used: set[str]) -> list[str]:
    """Returns the labels in their order: those of labels.txt, then the others that occur."""
    path = os.path.join(data_dir, LABELS_FILE)
    listed: list[str] = []
    if os.path.isfile(path):
        lines = (line.strip() for line in files.read_text(path).splitlines())
        listed = list(dict.fromkeys(line for line in lines if line))
    return [*listed, *sorted(used - {*listed})]


def _split_of(names: list[str]) -> dict[str, str]:
    """Returns the split of each file: its first folder, if all files lie in folders of splits."""
    return export_images.split_by_folder(
        {name: name.split("/", 1)[0] if "/" in name else "" for name in names}
    )


def _is_of_labelme(path: str) -> bool:
    return json_exports.begins_with(path, "{", _KEYS)
