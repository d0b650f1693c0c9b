"""Compares the palettes of a dataset's masks with each other.

A palette mask's index is its class. Some libraries order each file's palette as its colors come, so
that red is index 1 in one file and 2 in another; some black-and-white files store white as 0. Only
colors of indices that occur count. A gray ramp, whose colors equal the indices, says nothing about
classes, except that 0 and 255 are black and white.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from datasets.segmentation.masks.mask_format import Color
from datasets.segmentation.masks.raw_mask import RawMask

_BLACK_AND_WHITE = ((0, 0, 0), (255, 255, 255))
_GRAY_RAMP = tuple((value, value, value) for value in range(256))


@dataclasses.dataclass(frozen=True)
class UsedColors:
    """The colors of a mask's indices."""

    path: str
    palette: tuple[Color, ...]  # of each index, without what fills it up after the used ones
    used: tuple[int, ...]  # the indices that occur
    is_implied: bool = False  # black and white without a palette: gray of 1 bit, or 0 and 255

    def color(self, index: int) -> Color | None:
        """Returns the color of an index, or None where the palette has none."""
        return self.palette[index] if index < len(self.palette) else None


def used_colors(mask: RawMask, counts: np.ndarray | None) -> UsedColors | None:
    """Returns the colors that a mask uses; None where they say nothing about classes.

    Args:
      counts: int64 [256], pixels of each of the mask's values; None if they are no bytes.
    """
    if counts is None or mask.lossy_format is not None:
        return None
    used = tuple(np.flatnonzero(counts).tolist())
    if mask.is_one_bit:
        return UsedColors(mask.path, _BLACK_AND_WHITE, used, is_implied=True)
    palette = _GRAY_RAMP
    if mask.palette is not None:
        palette = tuple((red, green, blue) for red, green, blue in mask.palette.tolist())
    used = tuple(index for index in used if index < len(palette))
    if all(palette[index] == (index,) * 3 for index in used):
        is_white = 255 in used and {*used} <= {0, 255}
        return UsedColors(mask.path, _GRAY_RAMP, used, is_implied=True) if is_white else None
    return UsedColors(mask.path, _without_filling(palette, used), used)


def _without_filling(palette: tuple[Color, ...], used: tuple[int, ...]) -> tuple[Color, ...]:
    """Drops the equal colors at the end, with which files are filled up to a round number."""
    end = len(palette)
    while end - 1 > max(used) and palette[end - 1] == palette[-1]:
        end -= 1
    return palette[:end]


@dataclasses.dataclass(frozen=True)
class Disagreement:
    """Two masks whose palettes do not agree.

    The color is `first_index` in one and `second_index` in the other; or, where these are equal, it
    is the color of that index in the first.
    """

    first: UsedColors
    second: UsedColors
    color: Color
    first_index: int
    second_index: int

    @property
    def is_certain(self) -> bool:
        """Whether one color is two indices; one index of two colors may be harmless."""
        return self.first_index != self.second_index


class PaletteComparison:
    """Takes the masks of a dataset one by one; memory does not grow with their number."""

    def __init__(self) -> None:
        self._by_color: dict[Color, dict[int, UsedColors]] = {}
        self._by_index: dict[int, UsedColors] = {}
        self._seen: set[tuple] = set()

    def add(self, colors: UsedColors) -> Disagreement | None:
        """Compares a mask with those before it, and returns the first disagreement, if any."""
        key = (colors.palette, colors.used, colors.is_implied)
        if key in self._seen:
            return None
        self._seen.add(key)
        found = sorted(self._compare(colors), key=lambda pair: not pair.is_certain)
        for index in colors.used:
            self._by_color.setdefault(colors.palette[index], {}).setdefault(index, colors)
            self._by_index.setdefault(index, colors)
        return found[0] if found else None

    def _compare(self, colors: UsedColors) -> Iterator[Disagreement]:
        for index in colors.used:
            color = colors.palette[index]
            for other_index, other in self._by_color.get(color, {}).items():
                if other_index != index and _contradict(other, other_index, colors, index):
                    yield Disagreement(other, colors, color, other_index, index)
            first = self._by_index.get(index)
            if first is None or first.is_implied or colors.is_implied:
                continue
            first_color = first.palette[index]
            if first_color != color:
                # Where the color that is missing here has a place of its own, used or not, the
                # palettes are in another order.
                has_place = colors.palette.count(first_color) == 1
                place = colors.palette.index(first_color) if has_place else index
                yield Disagreement(first, colors, first_color, index, place)


def _contradict(first: UsedColors, first_index: int, second: UsedColors, second_index: int) -> bool:
    """Whether one color is one index in a mask, and another in another mask, and not both."""
    color = first.palette[first_index]
    if first.is_implied or second.is_implied:
        # Elsewhere 255 may be white as well; and white may be 1 in one file and 255 in another.
        painted = {each.palette[index] for each in (first, second) for index in each.used}
        if not painted <= {*_BLACK_AND_WHITE} or 0 not in (first_index, second_index):
            return False
    return first.color(second_index) != color and second.color(first_index) != color
