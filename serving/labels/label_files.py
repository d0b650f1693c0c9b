"""Writes predictions for labelling tools: COCO's JSON of a run, or labelme's of each image.

Both hold polygons, which are exact to the pixel unless a tolerance is given. The background is what
no polygon covers.
"""

import contextlib
import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, Protocol

import numpy as np

from common import files
from common.texts import first_few
from serving.drawing import visualize
from serving.labels import outlines, simplification
from serving.labels.outlines import Polygon

COCO, LABELME = "coco", "labelme"
FORMATS = (COCO, LABELME)
COCO_NAME = "coco_predictions.json"
LABELME_ENDING = ".json"
LABELS_NAME = "labels.txt"
# Says which label is which class of a dataset, where a class 0 for the rest would be added.
CLASSES_NAME = "classes.json"

_LABELME_VERSION = "5.5.0"
_DIGEST_KEY = "predicted_shapes_sha256"
_BETWEEN = ",\n"  # annotations of COCO's JSON
_IGNORE, _BACKGROUND = "__ignore__", "_background_"  # labelme's
_COCO_BACKGROUND = "background"  # what datasets call what no annotation of COCO's covers
# labelme takes a polygon of fewer points for a mistake.
_MIN_POINTS = 3


class LabelWriter(Protocol):
    """Writes the labels of a run's images.

    Attributes:
      written: the files, as messages name them.
    """

    written: str

    def describe(self, path: str, name: str, class_ids: np.ndarray) -> object:
        """Makes labels of uint8 [height, width]; threads may call it.

        Args:
          path: the image.
          name: what the names of its result files begin with.
        """
        ...

    def add(self, path: str, described: object) -> None:
        """Takes what `describe` has returned, image by image."""
        ...


def check(label_format: str, directory: str, names: Sequence[str]) -> None:
    """Makes sure, before anything is loaded, that nobody's own labels are written over.

    Args:
      label_format: one of `FORMATS`.
      directory: folder of the results, which need not exist.
      names: what the names of the images' result files begin with.

    Raises:
      ValueError: a file of labels is there which no run has written, or that was corrected since.
    """
    if label_format == LABELME:
        paths = [os.path.join(directory, name + LABELME_ENDING) for name in names]
        digest_of = _digest_of_labelme
    else:
        paths = [os.path.join(directory, COCO_NAME)]
        digest_of = _digest_of_coco
    others = [path for path in paths if os.path.exists(path) and not _is_untouched(path, digest_of)]
    if others:
        what = "file of labels was" if len(others) == 1 else "files of labels were"
        raise ValueError(
            f"{len(others)} {what} not written by this program, or changed since: "
            f"{first_few(others)}. What people have corrected is not written over: choose another "
            "--output, or move it away."
        )


@contextlib.contextmanager
def writing(
    label_format: str,
    directory: str,
    paths: Sequence[str],
    class_names: Sequence[str],
    tolerance: float = 0.0,
) -> Iterator[LabelWriter]:
    """Yields what writes the labels of a run; COCO's file is complete when the block ends.

    Args:
      label_format: one of `FORMATS`.
      directory: an existing folder.
      paths: the images.
      class_names: of each class id.
      tolerance: how far outlines may be from the predicted ones, in pixels.
    """
    if label_format == LABELME:
        yield _Labelme(directory, class_names, tolerance)
        return
    path = os.path.join(directory, COCO_NAME)
    with tempfile.TemporaryFile("w+", dir=directory, encoding="utf-8") as spool:
        writer = _Coco(path, paths, class_names, tolerance, spool)
        yield writer
        with files.replacing(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
            writer.finish(file)


class _Labelme:
    """Writes NAME.json for each image, and labels.txt, which labelme takes as --labels."""

    def __init__(self, directory: str, class_names: Sequence[str], tolerance: float) -> None:
        self.written = os.path.join(directory, "NAME" + LABELME_ENDING)
        self._directory = directory
        self._tolerance = tolerance
        self._background = _find_background(class_names)
        self._labels = _with_background(class_names, self._background, _BACKGROUND)
        ordered = sorted(self._labels, key=lambda label: label != _BACKGROUND)
        if _write_new(directory, LABELS_NAME, "\n".join([_IGNORE, *ordered, ""])):
            _write_classes(directory, self._labels, self._background)

    def describe(self, path: str, name: str, class_ids: np.ndarray) -> None:
        shapes: list[dict[str, Any]] = [
            {
                "label": self._labels[polygon.class_id],
                "points": _padded(polygon),
                "group_id": None,
                "description": "",
                "shape_type": "polygon",
                "flags": {},
            }
            for polygon in outlines.filled_outlines(class_ids, self._tolerance)
            if polygon.class_id != self._background or polygon.is_enclosed
        ]
        content = {
            "version": _LABELME_VERSION,
            "flags": {},
            "shapes": shapes,
            "imagePath": _relative(path, self._directory),
            "imageData": None,
            "imageHeight": class_ids.shape[0],
            "imageWidth": class_ids.shape[1],
            _DIGEST_KEY: _digest(shapes),
        }
        text = json.dumps(content, ensure_ascii=True)
        files.write(os.path.join(self._directory, name + LABELME_ENDING), text.encode())

    def add(self, path: str, described: object) -> None:
        pass


class _Coco:
    """Writes one file of all images; annotations wait in a file of their own until the end."""

    def __init__(
        self,
        path: str,
        paths: Sequence[str],
        class_names: Sequence[str],
        tolerance: float,
        spool: IO[str],
    ) -> None:
        self.written = path
        self._folder = os.path.commonpath([os.path.dirname(_absolute(p)) for p in paths])
        self._background = _find_background(class_names)
        names = _with_background(class_names, self._background, _COCO_BACKGROUND)
        _write_classes(os.path.dirname(path), names, self._background)
        others = [i for i in range(len(class_names)) if i != self._background]
        self._category_ids = {class_id: number for number, class_id in enumerate(others, start=1)}
        self._class_names = class_names
        self._tolerance = tolerance
        self._spool = spool
        self._images: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)

    def describe(self, path: str, name: str, class_ids: np.ndarray) -> object:
        polygons = outlines.outlines(class_ids, self._tolerance)
        return class_ids.shape, [p for p in polygons if p.class_id != self._background]

    def add(self, path: str, described: Any) -> None:
        (height, width), polygons = described
        image = {
            "id": len(self._images) + 1,
            "file_name": _relative(path, self._folder),
            "height": height,
            "width": width,
        }
        self._images.append(image)
        for polygon in polygons:
            number = next(self._numbers)
            annotation = {
                "id": number,
                "image_id": image["id"],
                "category_id": self._category_ids[polygon.class_id],
                "segmentation": [[value for point in polygon.points for value in point]],
                "area": simplification.area(polygon.points),
                "bbox": _box(polygon),
                "iscrowd": 0,
            }
            self._spool.write(("" if number == 1 else _BETWEEN) + json.dumps(annotation))

    def finish(self, file: IO[str]) -> None:
        """Writes the file."""
        categories = [
            {"id": number, "name": self._class_names[class_id], "supercategory": ""}
            for class_id, number in self._category_ids.items()
        ]
        digest = _digest_without_annotations(self._images, categories)
        file.write('{"images": ' + json.dumps(self._images))
        file.write(',\n"categories": ' + json.dumps(categories))
        file.write(',\n"annotations": [\n')
        self._spool.seek(0)
        while part := self._spool.read(1 << 20):
            file.write(part)
            digest.update(part.encode())
        file.write('\n],\n"info": ' + json.dumps({_DIGEST_KEY: digest.hexdigest()}) + "}\n")


def _find_background(class_names: Sequence[str]) -> int | None:
    """Returns the id of the class that means none of the others; None if there is none."""
    return next(
        (i for i, name in enumerate(class_names) if name.lower() in visualize.BACKGROUND_NAMES),
        None,
    )


def _with_background(class_names: Sequence[str], background: int | None, name: str) -> list[str]:
    """Returns the names of the classes with another one for the background."""
    return [name if i == background else each for i, each in enumerate(class_names)]


def _write_classes(directory: str, names: Sequence[str], background: int | None) -> None:
    """Keeps the order of the classes where the background, which comes first, is not the first."""
    if background != 0:
        _write_new(directory, CLASSES_NAME, json.dumps({"names": list(names)}) + "\n")


def _write_new(directory: str, name: str, text: str) -> bool:
    """Writes a file unless there is one, which may be somebody's own; whether it has."""
    path = os.path.join(directory, name)
    is_new = not os.path.exists(path)
    if is_new:
        files.write(path, text.encode())
    return is_new


def _padded(polygon: Polygon) -> list[tuple[float, float]]:
    missing = max(0, _MIN_POINTS - len(polygon.points))
    return [*polygon.points, *[polygon.points[-1]] * missing]


def _box(polygon: Polygon) -> list[float]:
    """Returns left, top, width and height of a polygon."""
    x, y = zip(*polygon.points, strict=True)
    return [min(x), min(y), max(x) - min(x), max(y) - min(y)]


def _relative(path: str, folder: str) -> str:
    return os.path.relpath(_absolute(path), os.path.realpath(folder)).replace(os.sep, "/")


def _absolute(path: str) -> str:
    """Returns a path without links to folders, past which ".." would lead elsewhere."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def _digest(shapes: object) -> str:
    return hashlib.sha256(json.dumps(shapes).encode()).hexdigest()


def _digest_without_annotations(images: object, categories: object) -> "hashlib._Hash":
    """Returns the digest of a file of COCO's that is still to take the text of its annotations."""
    return hashlib.sha256(json.dumps([images, categories]).encode())


def _digest_of_labelme(content: Any) -> tuple[str, str]:
    """Returns the digest that a file's content names, and that of its shapes."""
    return content[_DIGEST_KEY], _digest(content["shapes"])


def _digest_of_coco(content: Any) -> tuple[str, str]:
    """Returns the digest that a file's content names, and that of all else in it."""
    digest = _digest_without_annotations(content["images"], content["categories"])
    digest.update(_BETWEEN.join(map(json.dumps, content["annotations"])).encode())
    return content["info"][_DIGEST_KEY], digest.hexdigest()


def _is_untouched(path: str, digest_of: Callable[[Any], tuple[str, str]]) -> bool:
    """Whether a file has the labels that a run has written into it."""
    try:
        with open(path, encoding="utf-8") as file:
            recorded, found = digest_of(json.load(file))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False
    return recorded == found
