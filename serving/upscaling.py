"""Predictions of a shrunken image, brought back to the image's own size.

Sizes are (height, width). Corners are aligned, as everywhere in the network.
"""

from collections.abc import Iterator

import numpy as np

from serving.processing import class_ids as coarse_ids

# Values that are interpolated at once.
_VALUES_AT_ONCE = 1 << 22
# Results are made in bands of rows of about this many values, to take little memory besides.
_BAND_VALUES = 1 << 22


def upscale_ids(class_ids: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes a mask, integers [h, w], to (height, width) by nearest neighbors."""
    rows, columns = (
        np.floor(_positions(source, target) + 0.5).astype(np.intp)
        for source, target in zip(class_ids.shape, size, strict=True)
    )
    upscaled = np.empty(size, class_ids.dtype)
    for start, end in _bands(*size):
        upscaled[start:end] = class_ids[rows[start:end]][:, columns]
    return upscaled


def upscale_probabilities(probabilities: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes probabilities, float32 [h, w, num_classes], to (height, width) bilinearly."""
    num_classes = probabilities.shape[2]
    top, bottom, down = _neighbors(probabilities.shape[0], size[0])
    left, right, across = _neighbors(probabilities.shape[1], size[1])
    down, across = down.reshape([-1, 1, 1]), across.reshape([1, -1, 1])
    upscaled = np.empty([*size, num_classes], np.float32)
    for start, end in _bands(size[0], size[1] * num_classes):
        weight = down[start:end]
        band = probabilities.take(top[start:end], 0) * (1 - weight)
        band += probabilities.take(bottom[start:end], 0) * weight
        np.multiply(band.take(left, 1), 1 - across, out=upscaled[start:end])
        upscaled[start:end] += band.take(right, 1) * across
    return upscaled


def upscale_to_ids(
    probabilities: np.ndarray, size: tuple[int, int], dtype: type = np.int32
) -> np.ndarray:
    """Returns the likeliest class after a bilinear resize, which gives smooth borders.

    It is `upscale_probabilities(...).argmax(-1)` in a fraction of time and memory: between four
    pixels of one class no other class can win, so only the rest is interpolated. `dtype` is an
    integer type that holds the class ids.
    """
    top, bottom, down = _neighbors(probabilities.shape[0], size[0])
    left, right, across = _neighbors(probabilities.shape[1], size[1])
    class_ids = probabilities.argmax(-1).astype(dtype)
    is_mixed = coarse_ids.is_mixed(class_ids)
    num_at_once = max(1, _VALUES_AT_ONCE // probabilities.shape[2])
    upscaled: np.ndarray = np.empty(size, dtype)
    for first, last in _bands(*size):
        band = class_ids[top[first:last]][:, left]
        rows, columns = np.nonzero(is_mixed[top[first:last]][:, left])
        for start in range(0, len(rows), num_at_once):
            inside = rows[start : start + num_at_once]
            row, column = first + inside, columns[start : start + num_at_once]
            upper, lower = (
                _mix(
                    probabilities[edge[row], left[column]],
                    probabilities[edge[row], right[column]],
                    across[column],
                )
                for edge in (top, bottom)
            )
            band[inside, column] = _mix(upper, lower, down[row]).argmax(-1)
        upscaled[first:last] = band
    return upscaled


def _bands(height: int, values_per_row: int) -> Iterator[tuple[int, int]]:
    """Yields the first row and the end of each band."""
    num_rows = max(1, _BAND_VALUES // max(1, values_per_row))
    for first in range(0, height, num_rows):
        yield first, min(first + num_rows, height)


def _mix(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return first + (second - first) * weight[:, np.newaxis]


def _positions(source: int, target: int) -> np.ndarray:
    """Returns where each of `target` pixels lies among `source` ones, corners aligned."""
    return np.arange(target) * ((source - 1) / max(1, target - 1))


def _neighbors(source: int, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the source pixels before and after each target pixel, and the latter's weight."""
    positions = _positions(source, target)
    first = np.minimum(positions.astype(np.intp), source - 1)
    second = np.minimum(first + 1, source - 1)
    return first, second, (positions - first).astype(np.float32)
