"""Recognizes masks that were resized smoothly, or were JPEG once, by the ids between two regions.

Smoothing makes a step from 0 to 255 a ramp, whose values then count as class ids: 0, 64, 191, 255.
Such an id never has a region of its own: across it, rows and columns of the mask go from a lower id
to a higher one, or it lasts for a pixel or two (JPEG leaves ripples beside borders). Real classes,
thin ones like poles too, mostly lie on something that surrounds them.

One mask is not enough evidence, so `Ramps` of all masks are added up and judged together.
"""

import dataclasses

import numpy as np

from common.texts import first_few

# Rows and columns of a mask that are looked at: enough to meet every border, and a quarter of the
# time of counting the ids.
_MAX_LINES = 32
# The longest run that may be a step of a ramp, in pixels (smoothing an image that is enlarged eight
# times) and as a share of the line.
_MAX_STEP, _MAX_STEP_SHARE = 8, 0.125
# A run is a ripple if it is this short and its value so near to that of a neighbor.
_MAX_RIPPLE, _MAX_RIPPLE_HEIGHT = 2, 12

# Ids whose runs are steps of ramps in such a share, or so short on average, have no regions. Of
# CamVid's ids at 480x360 (poles, fences) none exceeds 0.14 and none is shorter than 4; at 30x22
# 0.35 and 1.7.
_MIN_RAMP_SHARE = 0.6
_MAX_MEAN_RUN = 2.0
# This many ids without regions, and twice as many as ids with, are not classes. Share of pixels in
# regions, and of runs that smoothing explains: of noise, or of 150 classes in tiny images, a half.
_MIN_BLENDED_IDS = 8
_MIN_REGION_SHARE = 0.6
_MIN_EXPLAINED = 0.75
# Masks without any region, such as photographs, are recognized by the number of ids.
_MIN_CONTINUOUS_IDS = 64
# Fewer ids: one or two classes of outlines look the same. Then nearly every run must be a step.
_MIN_STRICT_SHARE = 0.9
_MIN_RUNS = 24
# Ids that all have regions are blended at their borders if this share of the runs between the
# lowest and the highest id are steps; of CamVid's 0.1. Of noise a half, but its runs are short.
_MIN_BORDER_SHARE, _MIN_MEAN_RUN = 0.45, 4.0

# Ids outside of the regions' are specks if most of their runs are ripples, this short on
# average, and they are rare. JPEG makes them of masks of 0 and 1.
_MIN_SPECK_SHARE, _MAX_SPECK_RUN, _MAX_SPECK_PIXELS = 0.8, 2.5, 0.01

# How sure a judgment is; see `Blending.kind`.
RAMP, RIM, BORDERS, SPECKS = "ramp", "rim", "borders", "specks"


@dataclasses.dataclass(frozen=True)
class Ramps:
    """Runs of equal values in rows and columns of masks, by value."""

    counts: np.ndarray  # int64 [4, 256]: runs, steps of ramps, steps or ripples, pixels

    def __add__(self, other: "Ramps") -> "Ramps":
        return Ramps(self.counts + other.counts)


NOTHING = Ramps(np.zeros((4, 256), np.int64))


@dataclasses.dataclass(frozen=True)
class Blending:
    """Ids that come from blended regions.

    Attributes:
      kind: `RAMP`: many ids without regions, which no classes are. `RIM`: a few ids that only occur
        between two regions; they may be outlines that somebody drew. `BORDERS`: ids that have
        regions, and occur between others as well; they may be layers that lie so. `SPECKS`: ids
        that only occur in a pixel or two beside ids next to them; they may be tiny objects.
      ids: the ids at fault, sorted.
      regions: the ids that have regions, sorted.
    """

    kind: str
    ids: tuple[int, ...]
    regions: tuple[int, ...]

    def describe(self) -> str:
        """Says what is wrong with the masks, and how to fix it."""
        named = first_few(self.ids)
        if self.kind == RAMP:
            regions = f" between {first_few(self.regions)}" if self.regions else ""
            return (
                f"{len(self.ids)} ids ({named}) occur only in ramps along borders{regions}, so "
                "they are blends of other ids: the masks were resized smoothly, drawn with soft "
                "borders, or saved as JPEG once. Export them again, and resize with nearest "
                "neighbor only. (If they are thin layers all the same, name the classes in "
                "classes.json and build with --nocheck.)"
            )
        if self.kind == RIM:
            return (
                f"ids {named} occur only in thin rims between regions of other ids, as they do "
                "when masks are resized smoothly or saved as JPEG. Export the masks again, and "
                "resize with nearest neighbor only; if these ids are outlines, name the classes "
                "in classes.json."
            )
        if self.kind == SPECKS:
            return (
                f"ids {named} occur only in specks of a pixel or two beside ids next to them, as "
                "they do in masks that were saved as JPEG once. Look at them; if they are not "
                "objects, export the masks again as PNG."
            )
        return (
            f"most runs of the ids {named} are thin and lie between a lower and a higher id, as at "
            "borders of masks that were resized smoothly or saved as JPEG. Look at the borders of "
            "regions; if they are blended, export the masks again and resize with nearest neighbor."
        )


def find_ramps(values: np.ndarray) -> Ramps:
    """Looks at some rows and columns of a mask, uint8 [height, width] as its file stores it."""
    return Ramps(_count_runs(_sample(values)) + _count_runs(_sample(values.T)))


def judge(ramps: Ramps) -> Blending | None:
    """Decides from all masks of a dataset whether their ids come from blending."""
    runs, steps, explained, pixels = ramps.counts
    ids = np.flatnonzero(runs)
    if len(ids) < 3:
        return None
    share = steps[ids] / runs[ids]
    has_region = (share < _MIN_RAMP_SHARE) & (pixels[ids] / runs[ids] > _MAX_MEAN_RUN)
    regions, others = ids[has_region], ids[~has_region]
    region_share = pixels[regions].sum() / pixels.sum()

    if len(others) >= _MIN_BLENDED_IDS and len(others) >= 2 * len(regions):
        is_explained = explained[others].sum() >= _MIN_EXPLAINED * runs[others].sum()
        is_continuous = len(others) >= _MIN_CONTINUOUS_IDS
        if is_explained and (region_share >= _MIN_REGION_SHARE or is_continuous):
            return _blending(RAMP, others, regions)
    if len(regions) and region_share >= _MIN_REGION_SHARE:
        is_between = (regions[0] < ids) & (ids < regions[-1])
        rims = ids[is_between & (share >= _MIN_STRICT_SHARE) & (runs[ids] >= _MIN_RUNS)]
        if len(rims):
            return _blending(RIM, rims, np.setdiff1d(ids, rims))
        is_outside = (ids < regions[0]) | (ids > regions[-1])
        is_speck = (explained[ids] >= _MIN_SPECK_SHARE * runs[ids]) & (runs[ids] >= _MIN_RUNS)
        is_speck &= pixels[ids] <= np.minimum(
            _MAX_SPECK_RUN * runs[ids], _MAX_SPECK_PIXELS * pixels.sum()
        )
        specks = ids[is_outside & is_speck]
        if len(specks):
            return _blending(SPECKS, specks, regions)
    inner = ids[1:-1]
    is_graded = steps[inner].sum() >= _MIN_BORDER_SHARE * runs[inner].sum()
    if len(inner) >= 2 and is_graded and pixels.sum() >= _MIN_MEAN_RUN * runs.sum():
        return _blending(BORDERS, inner, regions)
    return None


def _sample(values: np.ndarray) -> np.ndarray:
    places = np.linspace(0, len(values) - 1, min(_MAX_LINES, len(values))).astype(np.int64)
    return np.ascontiguousarray(values[places])


def _count_runs(lines: np.ndarray) -> np.ndarray:
    """Counts runs and steps in lines, uint8 [lines, length]; see `Ramps.counts`."""
    flat = lines.reshape(-1)
    is_start = np.empty(len(flat), bool)
    np.not_equal(flat[1:], flat[:-1], out=is_start[1:])
    is_start[:: lines.shape[1]] = True
    starts = np.flatnonzero(is_start)
    values = flat[starts]
    lengths = np.diff(starts, append=len(flat))
    rise = np.diff(values.astype(np.int16))
    rise[starts[1:] % lines.shape[1] == 0] = 0  # From one line to the next.
    before, after = rise[:-1], rise[1:]
    is_inner = (before != 0) & (after != 0)
    middle, length = values[1:-1], lengths[1:-1]
    longest = max(1, min(_MAX_STEP, int(_MAX_STEP_SHARE * lines.shape[1])))
    is_step = is_inner & ((before > 0) == (after > 0)) & (length <= longest)
    is_near = np.minimum(abs(before), abs(after)) <= _MAX_RIPPLE_HEIGHT
    is_explained = is_step | (is_inner & is_near & (length <= _MAX_RIPPLE))
    return np.stack(
        [
            np.bincount(values, minlength=256),
            np.bincount(middle[is_step], minlength=256),
            np.bincount(middle[is_explained], minlength=256),
            np.bincount(values, weights=lengths, minlength=256).astype(np.int64),
        ]
    )


def _blending(kind: str, ids: np.ndarray, regions: np.ndarray) -> Blending:
    return Blending(kind, tuple(ids.tolist()), tuple(regions.tolist()))
