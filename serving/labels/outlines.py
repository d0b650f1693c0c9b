"""Class ids as polygons: the outlines of all regions, exact to the pixel or with fewer points.

A region is a set of pixels of one class that are connected by their sides. Its outline runs along
the sides of its pixels, clockwise, around holes counterclockwise, so that the region lies on its
right. Points are (x, y); the first pixel reaches from (0, 0) to (1, 1).
"""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from serving.labels import simplification
from serving.labels.simplification import Points

# Directions of sides, and where the pixel ahead lies and the one to the left: (row, column).
_EAST, _SOUTH, _WEST, _NORTH = range(4)
_AHEAD = ((0, 1), (1, 0), (0, -1), (-1, 0))
_LEFT = ((-1, 0), (0, 1), (1, 0), (0, -1))
# Where a side begins, from the upper left corner of its pixel: (x, y).
_STARTS = ((0, 0), (1, 0), (1, 1), (0, 1))
_OUTSIDE = -1


@dataclasses.dataclass(frozen=True)
class Polygon:
    """A region as one ring of points.

    Attributes:
      area: of the region, in pixels, with its holes where the ring leaves them in.
      is_enclosed: whether another region surrounds it.
    """

    class_id: int
    points: Points
    area: float
    is_enclosed: bool


def outlines(class_ids: np.ndarray, tolerance: float = 0.0) -> list[Polygon]:
    """Returns each region as one ring along the sides of its pixels.

    A hole is joined to what surrounds it by a cut: the ring goes there and back the same way, so
    that the hole lies outside by every rule of filling.

    Args:
      class_ids: uint8 [height, width].
      tolerance: how far a point of the outline may lie from the ring, in pixels.
    """
    boundaries = _Boundaries(class_ids)
    following, x, y = boundaries.join_holes()

    def points_from(side: int) -> Points:
        numbers = list(_ring(following, side))
        points = [(x[each], y[each]) for each in numbers]
        if tolerance:
            cuts = [n for n, each in enumerate(numbers) if each >= boundaries.num_sides]
            points = simplification.simplify(points, cuts, tolerance)
        return _corners(points)

    return boundaries.polygons(points_from)


def filled_outlines(class_ids: np.ndarray, tolerance: float = 0.0) -> list[Polygon]:
    """Returns each region without its holes, as a ring through the centers of its outer pixels.

    What lies in a hole comes after what surrounds it. Filled one after the other, each with its
    outline, they are the class ids again. Here the center of the first pixel is (0, 0), and a ring
    may have one point or two. Arguments are those of `outlines`.
    """
    boundaries = _Boundaries(class_ids)
    columns, rows = boundaries.columns.tolist(), boundaries.rows.tolist()

    def points_from(side: int) -> Points:
        points = [(columns[each], rows[each]) for each in _ring(boundaries.following, side)]
        if tolerance:
            points = simplification.simplify(points, (), tolerance)
        return _corners(points)

    polygons = boundaries.polygons(points_from, is_filled=True)
    return sorted(polygons, key=lambda polygon: -polygon.area)


class _Boundaries:
    """The sides between pixels of different classes, once for each of both, linked to rings.

    Attributes:
      num_sides: how many there are.
      rows, columns: int [num_sides], the pixel that each side belongs to.
      following: for each side the next one around its region.
    """

    def __init__(self, class_ids: np.ndarray) -> None:
        height, width = class_ids.shape
        padded = np.full((height + 2, width + 2), _OUTSIDE, np.int16)
        padded[1:-1, 1:-1] = class_ids
        self._pitch = width + 2
        self._ids = padded.reshape(-1)
        sides = []
        for direction, (row, column) in enumerate(_LEFT):
            across = padded[1 + row : height + 1 + row, 1 + column : width + 1 + column]
            pixels = np.flatnonzero(across != class_ids)
            pixels += self._pitch + 1 + 2 * (pixels // width)
            sides.append(4 * pixels + direction)
        self._sides = np.sort(np.concatenate(sides))
        self.num_sides = len(self._sides)
        self._pixels, self._directions = self._sides // 4, self._sides % 4
        self.rows = self._pixels // self._pitch - 1
        self.columns = self._pixels % self._pitch - 1
        starts = np.array(_STARTS)[self._directions]
        self._x, self._y = self.columns + starts[:, 0], self.rows + starts[:, 1]
        self.following = self._link()
        self._find_rings()

    def polygons(
        self, points_from: Callable[[int], Points], is_filled: bool = False
    ) -> list[Polygon]:
        """Makes polygons of all regions, given what returns the points of the ring from a side."""
        areas = dict(self._areas)
        if not is_filled:
            for ring, owner in self._owners.items():
                areas[owner] += areas.pop(ring)
        return [
            Polygon(
                int(self._ids[self._pixels[side]]),
                points_from(side),
                float(areas[ring]),
                self._is_enclosed(ring),
            )
            for ring, side in enumerate(self._first)
            if ring not in self._owners
        ]

    def join_holes(self) -> tuple[list[int], list[float], list[float]]:
        """Returns for each point the next one, x and y; the first points begin the sides."""
        following = list(self.following)
        x, y = self._x.tolist(), self._y.tolist()
        for inner, outer in self._cuts:
            row = y[inner] + 0.5
            there, back = len(x), len(x) + 2
            x += [x[outer], x[inner], x[inner], x[outer]]
            y += [row] * 4
            following += [there + 1, following[inner], back + 1, following[outer]]
            following[outer], following[inner] = there, back
        return following, x, y

    def _link(self) -> list[int]:
        """Finds for each side the next one: right, if that leads around the pixel, or ahead."""
        pixels, directions = self._pixels, self._directions
        ids = self._ids[pixels]
        ahead = pixels + self._offsets(_AHEAD)[directions]
        beside = ahead + self._offsets(_LEFT)[directions]
        goes_right = self._ids[ahead] != ids
        goes_left = ~goes_right & (self._ids[beside] == ids)
        pixel = np.where(goes_right, pixels, np.where(goes_left, beside, ahead))
        direction = (directions + goes_right - goes_left.astype(np.int8)) % 4
        following: list[int] = np.searchsorted(self._sides, 4 * pixel + direction).tolist()
        return following

    def _offsets(self, steps: tuple[tuple[int, int], ...]) -> np.ndarray:
        return np.array([row * self._pitch + column for row, column in steps])

    def _find_rings(self) -> None:
        """Finds all rings, which of them are holes, and what surrounds each."""
        ring_of = np.full(self.num_sides, -1, np.int64)
        self._first: list[int] = []
        self._areas: dict[int, int] = {}
        self._owners: dict[int, int] = {}
        self._cuts: list[tuple[int, int]] = []
        self._leftmost: list[int] = []  # Of each ring a side going south or north.
        reached = bytearray(self.num_sides)
        columns, directions = self.columns.tolist(), self._directions.tolist()
        following_y = self._y[self.following]
        # Of the area below the x axis, which each side going south or north bounds.
        parts = self._x * (following_y - self._y)
        holes = []
        for side in range(self.num_sides):
            if reached[side]:
                continue
            ring = list(_ring(self.following, side))
            for each in ring:
                reached[each] = True
            number = len(self._first)
            ring_of[ring] = number
            self._first.append(side)
            self._areas[number] = int(parts[ring].sum())
            is_hole = self._areas[number] < 0
            bounding = _SOUTH if is_hole else _NORTH
            left = min((s for s in ring if directions[s] == bounding), key=columns.__getitem__)
            self._leftmost.append(left)
            if is_hole:
                holes.append((columns[left], number))
        self._ring_of = ring_of
        lefts = np.flatnonzero(self._directions == _NORTH)
        left_pixels = self._pixels[lefts]
        # The owner of what lies left of a hole is known already.
        for _, number in sorted(holes):
            inner = self._leftmost[number]
            before = np.searchsorted(left_pixels, self._pixels[inner], "right") - 1
            outer = int(lefts[before])
            owner = int(ring_of[outer])
            self._owners[number] = self._owners.get(owner, owner)
            self._cuts.append((inner, outer))
        self._enclosed: dict[int, bool] = {}

    def _is_enclosed(self, ring: int) -> bool:
        """Whether an outer ring lies in a hole, by the regions to the left of it."""
        asked = []
        while ring not in self._enclosed:
            asked.append(ring)
            left = self._leftmost[ring]
            if self.columns[left] == 0:
                self._enclosed[ring] = False
                break
            neighbor = 4 * (self._pixels[left] - 1) + _SOUTH
            beside = int(self._ring_of[np.searchsorted(self._sides, neighbor)])
            if beside in self._owners:
                self._enclosed[ring] = True
                break
            ring = beside
        for each in asked:
            self._enclosed[each] = self._enclosed[ring]
        return self._enclosed[ring]


def _ring(following: list[int], first: int) -> Iterator[int]:
    """Yields a point, and those after it until it comes again."""
    current = first
    while True:
        yield current
        current = following[current]
        if current == first:
            return


def _corners(points: Points) -> Points:
    """Leaves out points that repeat the one before, or lie between their neighbors."""
    kept: Points = []
    for point in [*points, points[0]]:
        if kept and point == kept[-1]:
            continue
        while len(kept) > 1 and _is_between(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    # The first comes again at the end.
    if len(kept) > 1:
        kept.pop()
    while len(kept) > 2 and _is_between(kept[-1], kept[0], kept[1]):
        kept.pop(0)
    while len(kept) > 2 and _is_between(kept[-2], kept[-1], kept[0]):
        kept.pop()
    return kept


def _is_between(
    before: tuple[float, float], point: tuple[float, float], after: tuple[float, float]
) -> bool:
    """Whether a path goes straight on at a point."""
    x, y = point[0] - before[0], point[1] - before[1]
    next_x, next_y = after[0] - point[0], after[1] - point[1]
    return x * next_y == y * next_x and x * next_x + y * next_y > 0
