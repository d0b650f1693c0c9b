"""How often each class occurs in a split, and the label weights that follow from it."""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from datasets.segmentation.specs import SplitSpec

_MIN_LABEL_WEIGHT, _MAX_LABEL_WEIGHT = 0.2, 5.0
# cv2.calcHist gives float32, which counts exactly up to here.
_MAX_COUNTED = 1 << 24


def count_ids(mask: np.ndarray) -> np.ndarray:
    """Counts the pixels of each id of a mask, uint8 [height, width]: int64 [256]."""
    # In a third of the time that np.bincount takes.
    pixels = mask.reshape(-1, 1)
    histogram = np.zeros(256, np.int64)
    for start in range(0, len(pixels), _MAX_COUNTED):
        part = pixels[start : start + _MAX_COUNTED]
        histogram += cv2.calcHist([part], [0], None, [256], [0, 256]).reshape(-1).astype(np.int64)
    return histogram


class ClassCounter:
    """Adds up the statistics of a split; the ignore label may be one of the classes."""

    def __init__(self, num_classes: int, ignore_label: int) -> None:
        self._ignore_label = ignore_label
        self._is_class = np.arange(num_classes) != ignore_label
        self._num_examples = 0
        self._pixels = np.zeros(num_classes, np.int64)
        self._examples = np.zeros(num_classes, np.int64)
        # All labeled pixels of the examples in which each class occurs.
        self._pixels_beside = np.zeros(num_classes, np.int64)
        self._ignored_pixels = 0
        self._max_size = (0, 0)

    def add(self, histogram: np.ndarray, size: tuple[int, int]) -> None:
        """Adds an example of (height, width) with so many pixels, int [256], of each id."""
        pixels = np.where(self._is_class, histogram[: len(self._pixels)], 0)
        self._num_examples += 1
        self._pixels += pixels
        self._examples += pixels > 0
        self._pixels_beside += np.where(pixels > 0, pixels.sum(), 0)
        self._ignored_pixels += int(histogram[self._ignore_label])
        self._max_size = (max(self._max_size[0], size[0]), max(self._max_size[1], size[1]))

    def to_split(self) -> SplitSpec:
        """Returns the sums so far, as a split of one shard; an ignored class has no pixels."""
        return SplitSpec(
            num_examples=self._num_examples,
            num_shards=1,
            pixels_per_class=tuple(self._pixels.tolist()),
            examples_per_class=tuple(self._examples.tolist()),
            ignored_pixels=self._ignored_pixels,
            max_height=self._max_size[0],
            max_width=self._max_size[1],
        )

    def suggest_label_weights(self) -> tuple[float, ...]:
        """Returns `_damped_weights` of the classes' frequencies."""
        return _damped_weights(self._pixels, self._pixels_beside)


def label_weights(split: SplitSpec) -> tuple[float, ...]:
    """Returns a loss weight for each class of a split, nearly that of `ClassCounter`.

    A description does not say how many pixels the examples with a class have, so each is taken to
    have as many as the mean.
    """
    pixels = np.array(split.pixels_per_class, np.int64)
    mean_pixels = pixels.sum() / max(1, split.num_examples)
    return _damped_weights(pixels, mean_pixels * np.array(split.examples_per_class))


def _damped_weights(pixels: np.ndarray, pixels_beside: np.ndarray) -> tuple[float, ...]:
    """Returns a loss weight for each class that helps rare classes.

    Median frequency balancing (Eigen and Fergus, arXiv 1411.4734, section 6.3.2), damped: a class's
    frequency is its share of the labeled pixels of the examples that show it, and

        weight = sqrt(median frequency / frequency), clipped to 0.2..5

    where the median is over the classes that occur. Without the root and the clipping the weights
    of thin classes become tens of times those of roads and skies, which costs the large classes
    more IoU than it gives the small ones. A class that never occurs gets 1.

    Args:
      pixels: of each class.
      pixels_beside: all labeled pixels of the examples in which each class occurs.
    """
    occurs = pixels > 0
    weights = np.ones(len(occurs))
    if occurs.any():
        frequency = pixels[occurs] / pixels_beside[occurs]
        weights[occurs] = np.sqrt(np.median(frequency) / frequency)
    return tuple(np.clip(weights, _MIN_LABEL_WEIGHT, _MAX_LABEL_WEIGHT).round(2).tolist())


def add_shards(parts: Sequence[SplitSpec], shard_bytes: Sequence[int]) -> SplitSpec:
    """Adds up the shards of a split, each given as a split of one shard, and their files' sizes."""
    return SplitSpec(
        num_examples=sum(part.num_examples for part in parts),
        num_shards=len(parts),
        pixels_per_class=_add_up(part.pixels_per_class for part in parts),
        examples_per_class=_add_up(part.examples_per_class for part in parts),
        ignored_pixels=sum(part.ignored_pixels for part in parts),
        max_height=max(part.max_height for part in parts),
        max_width=max(part.max_width for part in parts),
        shard_examples=tuple(part.num_examples for part in parts),
        shard_bytes=tuple(shard_bytes),
    )


def _add_up(rows: Iterable[Sequence[int]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*rows, strict=True)))
