"""Rings of points with fewer points: by the algorithm of Douglas and Peucker (1973)."""

import itertools
import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

Points: TypeAlias = list[tuple[float, float]]

# A ring that would lose or gain more of its area stays as it is: thin and small regions.
_MAX_AREA_CHANGE = 0.1


def simplify(points: Points, fixed: Sequence[int], tolerance: float) -> Points:
    """Returns some of the points of a ring, such that the others are not far from their lines.

    Args:
      points: of a ring, in order.
      fixed: numbers of points that stay, in ascending order.
      tolerance: how far a point that goes may be from the line that replaces it.
    """
    if not fixed:
        fixed = sorted({0, max(range(len(points)), key=lambda n: math.dist(points[0], points[n]))})
    coordinates = np.array(points, np.float64)
    # From the first fixed point once around, back to itself.
    coordinates = np.roll(coordinates, -fixed[0], axis=0)
    coordinates = np.concatenate([coordinates, coordinates[:1]])
    ends = [*(number - fixed[0] for number in fixed), len(points)]
    is_kept = np.zeros(len(coordinates), bool)
    is_kept[ends] = True
    sections = list(itertools.pairwise(ends))
    while sections:
        start, end = sections.pop()
        if end - start < 2:
            continue
        distances = _distances(coordinates[start + 1 : end], coordinates[start], coordinates[end])
        farthest = int(distances.argmax())
        if distances[farthest] > tolerance:
            middle = start + 1 + farthest
            is_kept[middle] = True
            sections += [(start, middle), (middle, end)]
    kept: Points = [(x, y) for x, y in coordinates[:-1][is_kept[:-1]].tolist()]
    before = area(points)
    is_alike = abs(area(kept) - before) <= _MAX_AREA_CHANGE * abs(before)
    return kept if len(kept) > 2 and before and is_alike else points


def area(points: Points) -> float:
    """Returns the area of a ring, which is negative if it goes around counterclockwise."""
    x, y = np.array(points, np.float64).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) / 2


def _distances(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Returns how far points are from the line between two others, or from both where they meet."""
    along, offsets = end - start, points - start
    length = math.hypot(*along)
    if not length:
        return np.hypot(offsets[:, 0], offsets[:, 1])
    return np.abs(along[0] * offsets[:, 1] - along[1] * offsets[:, 0]) / length
