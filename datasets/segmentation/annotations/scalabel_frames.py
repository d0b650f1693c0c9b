"""Reads Scalabel's JSON, the format of BDD100K: frames with polygons or run lengths.

A file is a list of frames, or an object with the key `frames`. A vertex of type L is a corner;
three of type C are a cubic Bézier curve from the corner before: two control points and its end.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common import json_files
from common.texts import printable
from datasets.segmentation.annotations import json_exports
from datasets.segmentation.annotations.labeled_image import Region
from datasets.segmentation.annotations.shapes import CocoPolygons, CocoRuns, Point, Shape
from datasets.segmentation.annotations.tool_shapes import Unreadable

_CURVE_STEPS = 16


@dataclasses.dataclass(frozen=True)
class Frame:
    """An image's file name, and its regions in the order of the file."""

    name: str
    regions: tuple[Region, ...]


def read(path: str) -> Iterator[Frame]:
    """Yields the frames of a file.

    A region that cannot be read becomes one whose drawing fails, so that only its image is at
    fault. Regions with neither polygons nor run lengths, such as boxes, are left out.

    Raises:
      ValueError: the file is not as the module docstring says; the message names it.
    """
    content = json_exports.read(path)
    frames = content.get("frames") if isinstance(content, dict) else content
    if not isinstance(frames, list):
        raise ValueError(
            f"{printable(path)} is no list of frames; expected Scalabel's JSON, "
            '[{"name": "a.jpg", "labels": […]}, …].'
        )
    for number, frame in enumerate(frames):
        name = frame.get("name") if isinstance(frame, dict) else None
        labels = (frame.get("labels") or []) if isinstance(frame, dict) else None
        if not isinstance(name, str) or not isinstance(labels, list):
            raise ValueError(
                f"{printable(path)}: frame {number} is {json_files.shown(frame)}; expected an "
                "object with 'name' and a list 'labels'."
            )
        yield Frame(name, tuple(filter(None, map(_region, labels))))


def _region(label: Any) -> Region | None:
    if not isinstance(label, dict) or not (label.get("rle") or label.get("poly2d")):
        return None
    category = label.get("category")
    try:
        if not isinstance(category, str):
            raise ValueError(f"its category is {json_files.shown(category)}; expected a name.")
        shape = _runs(label["rle"]) if label.get("rle") else _polygons(label["poly2d"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        shape = Unreadable(f"it cannot be read ({error}).")
    return Region(str(category), shape)


def _runs(rle: Mapping[str, Any]) -> Shape:
    height, width = (int(each) for each in rle["size"])
    counts = rle["counts"]
    return CocoRuns(counts if isinstance(counts, str) else tuple(map(int, counts)), (height, width))


def _polygons(polygons: Sequence[Mapping[str, Any]]) -> Shape:
    rings = (_corners(each["vertices"], each.get("types")) for each in polygons)
    return CocoPolygons(tuple(tuple(value for point in ring for value in point) for ring in rings))


def _corners(vertices: Sequence[Any], types: str | None) -> list[Point]:
    """Returns the corners of a polygon, with those of its curves."""
    points = [(float(x), float(y)) for x, y in vertices]
    kinds = types or "L" * len(points)
    if len(kinds) != len(points) or not {*kinds} <= {"L", "C"}:
        raise ValueError(f"its types are {kinds!r} for {len(points)} vertices")
    corners: list[Point] = []
    place = 0
    while place < len(points):
        if kinds[place] == "L" or not corners:
            corners.append(points[place])
            place += 1
        else:
            ahead = [*points[place : place + 3], points[0], points[0]][:3]
            corners += _curve(corners[-1], *ahead)
            place += 3
    return corners


def _curve(start: Point, first: Point, second: Point, end: Point) -> Iterator[Point]:
    for step in range(1, _CURVE_STEPS + 1):
        t = step / _CURVE_STEPS
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
        pairs = list(zip(weights, (start, first, second, end), strict=True))
        yield sum(w * x for w, (x, _) in pairs), sum(w * y for w, (_, y) in pairs)
