"""Shapes that people draw around things, and the pixels that each covers.

Two programs rarely turn a polygon into the same pixels, so each shape follows the one that wrote
it: those of labelme as Pillow draws them, whose masks equal labelme's own, and those of COCO as
pycocotools does.

Coordinates are pixels, x to the right and y down; (0, 0) is the upper left corner of the image.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from PIL import Image, ImageDraw
from pycocotools import mask as coco_mask

Point = tuple[float, float]
Size = tuple[int, int]  # height, width

# Shapes may reach beyond their image, but not by more than so many times its size.
_MAX_SIZES = 10


class Shape(Protocol):
    """What a labelling tool says of where a thing is."""

    def cover(self, size: Size) -> np.ndarray:
        """Returns the pixels inside, bool [height, width]; what lies outside the image is cut.

        Raises:
          ValueError: there is no such shape, or it belongs to an image of another size.
        """


@dataclasses.dataclass(frozen=True)
class Polygon:
    """A polygon of at least three corners, with its outline, as labelme and Pillow draw it."""

    points: tuple[Point, ...]

    def cover(self, size: Size) -> np.ndarray:
        if len(self.points) < 3:
            raise ValueError(f"a polygon has {len(self.points)} points; expected 3 or more.")
        require_near(self.points, size)
        return _drawn(size, lambda draw: draw.polygon(self.points, fill=1, outline=1))


@dataclasses.dataclass(frozen=True)
class Rectangle:
    """A rectangle between two opposite corners, both of which belong to it."""

    corners: tuple[Point, Point]

    def cover(self, size: Size) -> np.ndarray:
        require_near(self.corners, size)
        left, right = sorted(x for x, _ in self.corners)
        top, bottom = sorted(y for _, y in self.corners)
        box = (left, top, right, bottom)
        return _drawn(size, lambda draw: draw.rectangle(box, fill=1, outline=1))


@dataclasses.dataclass(frozen=True)
class Circle:
    """A disc."""

    center: Point
    radius: float

    def cover(self, size: Size) -> np.ndarray:
        return _ellipse(size, self.center, self.radius, self.radius)


@dataclasses.dataclass(frozen=True)
class Ellipse:
    """An ellipse, turned clockwise about its center by degrees."""

    center: Point
    radii: tuple[float, float]  # along x and y
    degrees: float = 0.0

    def cover(self, size: Size) -> np.ndarray:
        if not self.degrees:
            return _ellipse(size, self.center, *self.radii)
        turn = math.radians(self.degrees)
        y, x = np.ogrid[: size[0], : size[1]]
        right, down = x - self.center[0], y - self.center[1]
        along = (right * math.cos(turn) + down * math.sin(turn)) / max(self.radii[0], 1e-9)
        across = (down * math.cos(turn) - right * math.sin(turn)) / max(self.radii[1], 1e-9)
        return along**2 + across**2 <= 1


@dataclasses.dataclass(frozen=True)
class Line:
    """A line through points, `width` pixels thick."""

    points: tuple[Point, ...]
    width: int

    def cover(self, size: Size) -> np.ndarray:
        if len(self.points) < 2:
            raise ValueError(f"a line has {len(self.points)} points; expected 2 or more.")
        require_near(self.points, size)
        return _drawn(size, lambda draw: draw.line(self.points, fill=1, width=self.width))


@dataclasses.dataclass(frozen=True)
class CocoPolygons:
    """Polygons that together are one thing, x and y in turn, as pycocotools fills them."""

    rings: tuple[Sequence[float], ...]

    def cover(self, size: Size) -> np.ndarray:
        for ring in self.rings:
            if len(ring) < 6 or len(ring) % 2:
                raise ValueError(
                    f"a polygon has {len(ring)} numbers; expected x and y of 3 points or more."
                )
        require_near(self.rings, size)
        runs = coco_mask.frPyObjects([list(ring) for ring in self.rings], *size)
        return coco_mask.decode(coco_mask.merge(runs)).astype(bool)


@dataclasses.dataclass(frozen=True)
class CocoRuns:
    """COCO's run lengths down the columns, which begin outside: numbers, or their short form."""

    counts: tuple[int, ...] | str
    size: Size

    def cover(self, size: Size) -> np.ndarray:
        if self.size != size:
            raise ValueError(
                f"run lengths for an image of {_shown(self.size)}, which has {_shown(size)}."
            )
        runs: dict[str, Any] = {"size": list(size)}
        if isinstance(self.counts, str):
            runs["counts"] = self.counts.encode()
        else:
            if sum(self.counts) != size[0] * size[1] or min(self.counts, default=0) < 0:
                raise ValueError(
                    f"run lengths of {sum(self.counts)} pixels for an image of {_shown(size)}."
                )
            runs = coco_mask.frPyObjects({**runs, "counts": list(self.counts)}, *size)
        return coco_mask.decode(runs).astype(bool)


@dataclasses.dataclass(frozen=True, eq=False)
class Bitmap:
    """Pixels themselves, bool [height, width], the first of which lies at `left`, `top`."""

    pixels: np.ndarray
    left: int = 0
    top: int = 0

    def cover(self, size: Size) -> np.ndarray:
        covered = np.zeros(size, bool)
        height, width = self.pixels.shape
        top, left = max(0, self.top), max(0, self.left)
        bottom, right = min(size[0], self.top + height), min(size[1], self.left + width)
        if bottom > top and right > left:
            covered[top:bottom, left:right] = self.pixels[
                top - self.top : bottom - self.top, left - self.left : right - self.left
            ]
        return covered


def require_near(points: Iterable[Sequence[float]], size: Size) -> None:
    """Raises a ValueError if coordinates lie so far outside an image that nobody meant them.

    The libraries that draw take time and memory by the length of an outline, inside or not.
    """
    limit = _MAX_SIZES * max(size)
    for point in points:
        for number in point:
            if not abs(number) <= limit:  # Not a number, too.
                raise ValueError(f"it has the coordinate {number:g}, which is far from the image.")


def _ellipse(size: Size, center: Point, radius_x: float, radius_y: float) -> np.ndarray:
    x, y = center
    box = (x - radius_x, y - radius_y, x + radius_x, y + radius_y)
    require_near([box], size)
    return _drawn(size, lambda draw: draw.ellipse(box, fill=1, outline=1))


def _drawn(size: Size, draw_on: Any) -> np.ndarray:
    image = Image.new("L", size[::-1], 0)
    draw_on(ImageDraw.Draw(image))
    return np.asarray(image).astype(bool)


def _shown(size: Size) -> str:
    return f"{size[1]}x{size[0]} (width x height)"
