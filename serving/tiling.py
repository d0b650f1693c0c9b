"""An image larger than the network takes, in overlapping tiles whose probabilities are blended.

Tiles have the image's own scale. A pixel's probabilities are the weighted mean of those of all
tiles that see it. A tile counts more in its middle, where the network sees what is around a pixel,
and where it is sure of its class: a tile that happens to show whole objects outvotes those that cut
them (docs/serving.md has the scores). Rows are finished from top to bottom, so that the sums of one
band of rows are all that is held. Sizes are (height, width).
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from common.texts import printable

# What becomes of an image larger than the network takes, besides a side of tiles in pixels.
AUTO = "auto"
OFF = "off"
DEFAULT_OVERLAP = 0.5
# More is all but the same tile again.
MAX_OVERLAP = 0.9

_MAX_DIGITS = 9
# Weight of a pixel: its distance to the nearer edges of the tile, to this power …
_EDGE_POWER = 0.5
# … times the probability of its likeliest class to this power.
_CONFIDENCE_POWER = 4
# Sums that are held at once: 256 MiB of float32. Wider images are blended in strips of columns.
_MAX_SUMS = 1 << 26
# Sums that are turned into probabilities at once.
_MAX_FINISHED = 1 << 22
# A strip has at least the width of so many tiles, since those across its borders run twice.
_MIN_STRIP_TILES = 2

# (top, bottom, left, right) -> uint8 [bottom - top, right - left, 3], RGB.
Read: TypeAlias = Callable[[int, int, int, int], np.ndarray]
# Tiles of one size -> (class ids [height, width], probabilities [height, width, classes] or None).
Run: TypeAlias = Callable[[list[np.ndarray]], Sequence[tuple[np.ndarray, np.ndarray | None]]]


# Called with the number of tiles that have run, first 0, and of all.
Progress: TypeAlias = Callable[[int, int], object]


@dataclasses.dataclass(frozen=True)
class TileOptions:
    """What becomes of images larger than the network takes.

    Attributes:
      tile: "auto" tiles those that would be shrunk to less than two thirds, "off" shrinks all of
        them; a number tiles them all, and is the tiles' side in pixels.
      overlap: share of a tile's side by which neighbors overlap.
    """

    tile: str | int = AUTO
    overlap: float = DEFAULT_OVERLAP

    def advice(self, what: str) -> str:
        """Returns which flags spare the time of tiles, as a sentence about images: "it", "them"."""
        fewer = ", a smaller --overlap takes fewer" if self.overlap > 0 else ""
        return f"--tile={OFF} shrinks {what}{fewer}."


def parse_tile(text: str) -> str | int:
    """Returns `TileOptions.tile` of a text (ValueError: it is none)."""
    if text in (AUTO, OFF):
        return text
    if not (text.isascii() and text.isdecimal()) or len(text) > _MAX_DIGITS:
        raise ValueError(
            f"tile={printable(text)[:80]}: expected {AUTO}, {OFF}, or the side of tiles in pixels."
        )
    return int(text)


class Block(NamedTuple):
    """A finished part of an image.

    Attributes:
      top, left: its first row and column.
      ids: class ids, integers [height, width].
      probabilities: float32 [height, width, num_classes]; None where the graph gives none. Valid
        until the next block.
    """

    top: int
    left: int
    ids: np.ndarray
    probabilities: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Plan:
    """Where the tiles of an image lie.

    Attributes:
      size: (height, width) of the image.
      tile: (height, width) of every tile.
      tops, lefts: first rows and columns of the tiles, ascending.
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    tops: tuple[int, ...]
    lefts: tuple[int, ...]

    @property
    def num_tiles(self) -> int:
        return len(self.tops) * len(self.lefts)

    def strips(self, num_classes: int) -> list[tuple[int, int]]:
        """Returns the first column and the end of each strip that is blended by itself."""
        width = self.size[1]
        widest = max(
            _MIN_STRIP_TILES * self.tile[1], _MAX_SUMS // (self.tile[0] * (num_classes + 1))
        )
        num_strips = -(-width // widest)
        edges = [index * width // num_strips for index in range(num_strips + 1)]
        return list(itertools.pairwise(edges))

    def lefts_in(self, strip: tuple[int, int]) -> list[int]:
        """Returns the first columns of the tiles that reach into a strip."""
        return [left for left in self.lefts if left < strip[1] and left + self.tile[1] > strip[0]]

    def num_runs(self, num_classes: int) -> int:
        """Returns how many tiles run, those across the borders of strips twice."""
        lefts = sum(len(self.lefts_in(strip)) for strip in self.strips(num_classes))
        return len(self.tops) * lefts

    def num_bytes(self, num_classes: int) -> int:
        """Returns the memory that blending takes, the network and the image aside."""
        widest = max(end - first for first, end in self.strips(num_classes))
        sums = self.tile[0] * widest * (num_classes + 1)
        return 4 * (sums + 2 * max(_MAX_FINISHED, widest * num_classes))


def plan(size: tuple[int, int], largest: tuple[int, int], overlap: float) -> Plan:
    """Covers an image with tiles, evenly spaced.

    Args:
      size: (height, width) of the image.
      largest: (height, width) that a tile has at most.
      overlap: share of a tile's side by which neighbors overlap at least, 0 to `MAX_OVERLAP`.
    """
    if not 0 <= overlap <= MAX_OVERLAP:
        raise ValueError(f"overlap is {overlap}; expected 0 to {MAX_OVERLAP}.")
    height, width = (min(side, most) for side, most in zip(size, largest, strict=True))
    return Plan(
        size,
        (height, width),
        _starts(size[0], height, overlap),
        _starts(size[1], width, overlap),
    )


def _starts(side: int, tile: int, overlap: float) -> tuple[int, ...]:
    rest = side - tile
    step = max(1, math.floor(tile * (1 - overlap)))
    num_steps = -(-rest // step)
    return (*(round(index * rest / num_steps) for index in range(num_steps)), rest)


def segment(
    planned: Plan,
    read: Read,
    run: Run,
    num_classes: int,
    batch_size: int,
    has_probabilities: bool = True,
    progress: Callable[[int], object] | None = None,
) -> Iterator[Block]:
    """Segments an image in tiles.

    Args:
      planned: the tiles.
      read: reads a part of the image.
      run: runs the network on tiles, with probabilities if `has_probabilities`.
      num_classes: number of classes.
      batch_size: tiles that run together, at most.
      has_probabilities: whether the graph gives any. Otherwise a pixel has the class that it has in
        the tile whose middle is the nearest.
      progress: called with the number of tiles that have just run.

    Yields:
      Blocks that cover the image once; a strip of columns after the other, from top to bottom.
    """
    for strip in planned.strips(num_classes):
        lefts = planned.lefts_in(strip)
        band: _Blended | _Nearest
        band = _Blended(planned, strip, num_classes) if has_probabilities else _Nearest(planned)
        for row, top in enumerate(planned.tops):
            for first in range(0, len(lefts), batch_size):
                batch = lefts[first : first + batch_size]
                tiles = [
                    read(top, top + planned.tile[0], left, left + planned.tile[1]) for left in batch
                ]
                for left, (ids, probabilities) in zip(batch, run(tiles), strict=True):
                    band.add(row, left, ids, probabilities)
                if progress is not None:
                    progress(len(batch))
            yield from band.finish(row, strip)


class _Blended:
    """Sums of weighted probabilities in a band of rows as high as a tile."""

    def __init__(self, planned: Plan, strip: tuple[int, int], num_classes: int):
        self._plan = planned
        self._strip = strip
        height, width = planned.tile
        self._window = np.outer(_edge_weights(height), _edge_weights(width))
        # Row r of the image is row r modulo `height`.
        self._sums = np.zeros([height, strip[1] - strip[0], num_classes], np.float32)
        self._weights = np.zeros(self._sums.shape[:2], np.float32)

    def add(self, row: int, left: int, ids: np.ndarray, probabilities: np.ndarray | None) -> None:
        """Adds a tile of the band's row of tiles."""
        assert probabilities is not None
        first, end = self._strip
        inside = slice(max(0, first - left), min(self._plan.tile[1], end - left))
        probabilities = probabilities[:, inside]
        weights = probabilities.max(axis=2) ** _CONFIDENCE_POWER
        weights *= self._window[:, inside]
        weighted = probabilities * weights[..., np.newaxis]
        columns = slice(left + inside.start - first, left + inside.stop - first)
        height = self._plan.tile[0]
        seam = height - self._plan.tops[row] % height  # The tile's row that lies in row 0.
        for source, target in (
            (slice(0, seam), slice(height - seam, height)),
            (slice(seam, height), slice(0, height - seam)),
        ):
            self._sums[target, columns] += weighted[source]
            self._weights[target, columns] += weights[source]

    def finish(self, row: int, strip: tuple[int, int]) -> Iterator[Block]:
        """Yields the rows that no further tile reaches, and makes room for others."""
        top = self._plan.tops[row]
        is_last = row + 1 == len(self._plan.tops)
        bottom = self._plan.size[0] if is_last else self._plan.tops[row + 1]
        num_at_once = max(1, _MAX_FINISHED // self._sums[0].size)
        for first in range(top, bottom, num_at_once):
            rows = np.arange(first, min(first + num_at_once, bottom)) % self._plan.tile[0]
            probabilities = self._sums[rows]
            probabilities /= self._weights[rows][..., np.newaxis]
            self._sums[rows] = 0
            self._weights[rows] = 0
            yield Block(first, strip[0], probabilities.argmax(axis=2), probabilities)


class _Nearest:
    """Class ids of the tiles whose middles are the nearest."""

    def __init__(self, planned: Plan):
        self._rows = _territories(planned.tops, planned.tile[0], planned.size[0])
        self._columns = _territories(planned.lefts, planned.tile[1], planned.size[1])
        self._tops = planned.tops
        self._width = planned.size[1]
        self._ids = np.zeros([0, 0], np.int32)

    def add(self, row: int, left: int, ids: np.ndarray, probabilities: np.ndarray | None) -> None:
        """Takes a tile's share of the pixels."""
        top, bottom = self._rows[self._tops[row]]
        first, end = self._columns[left]
        if len(self._ids) != bottom - top:
            self._ids = np.zeros([bottom - top, self._width], ids.dtype)
        inside = ids[top - self._tops[row] : bottom - self._tops[row], first - left : end - left]
        self._ids[:, first:end] = inside

    def finish(self, row: int, strip: tuple[int, int]) -> Iterator[Block]:
        """Yields the rows that are the nearest to a row of tiles."""
        top, _ = self._rows[self._tops[row]]
        yield Block(top, strip[0], self._ids[:, strip[0] : strip[1]].copy(), None)


def _edge_weights(side: int) -> np.ndarray:
    """Returns the weight of each row or column of a tile, 0 < weight <= 1, float32 [side]."""
    distance = np.minimum(np.arange(1, side + 1), np.arange(side, 0, -1))
    return ((distance / distance.max()) ** _EDGE_POWER).astype(np.float32)


def _territories(starts: Sequence[int], tile: int, side: int) -> dict[int, tuple[int, int]]:
    """Returns, for the first row or column of a tile, which of them are nearest to its middle."""
    borders = [(before + tile + after) // 2 for before, after in itertools.pairwise(starts)]
    edges = [0, *borders, side]
    return dict(zip(starts, itertools.pairwise(edges), strict=True))
