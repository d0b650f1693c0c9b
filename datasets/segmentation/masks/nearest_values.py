"""Restores masks of two values that a lossy format blurred, such as 0 and 255 saved as JPEG.

JPEG moves values by a few levels, and by more beside the borders of regions. Where a mask has two
values, and they lie far apart, each pixel's nearer one is right except for some on the border. With
three values that is no longer so: between 0 and 200 the format makes a rim of 100.
"""

from collections.abc import Mapping

import cv2
import numpy as np

_MIN_DISTANCE = 64
# How far from a value a pixel may be, as a share of the distance of the two, and still be clear.
_CLEAR = 0.25
# Share of pixels that are clear neither by themselves nor by a neighbor: noise. More are a region
# of a third value.
_MAX_UNCLEAR = 0.001
_THREE_BY_THREE = np.ones((3, 3), np.uint8)


def can_be_read(mapping: Mapping[int, int] | None) -> bool:
    """Returns whether a mapping of values to ids has two values that a lossy format keeps apart."""
    if mapping is None or len(mapping) != 2:
        return False
    low, high = sorted(mapping)
    return high - low >= _MIN_DISTANCE and high <= 255


def restore(values: np.ndarray, mapping: Mapping[int, int], path: str) -> np.ndarray:
    """Replaces each value by the nearer one of two.

    Args:
      values: uint8 [height, width].
      mapping: class id of each of the two values; see `can_be_read`.
      path: the mask, for the error.

    Returns:
      uint8 [height, width], the two values only.

    Raises:
      ValueError: the mask has regions of another value; the message names the file and the value.
    """
    low, high = sorted(mapping)
    margin = _CLEAR * (high - low)
    is_unclear = ((values > low + margin) & (values < high - margin)).astype(np.uint8)
    inner = cv2.erode(is_unclear, _THREE_BY_THREE, borderValue=1)
    if np.count_nonzero(inner) > _MAX_UNCLEAR * values.size:
        value = np.bincount(values[inner > 0]).argmax()
        raise ValueError(
            f"{path}: a mask saved as JPEG or the like has regions of about {value}, and "
            f"mask_values names {low} and {high} only. Save it as PNG from the original."
        )
    return np.where(values > (low + high) // 2, high, low).astype(np.uint8)
