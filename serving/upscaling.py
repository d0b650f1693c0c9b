"""Predictions of a shrunken picture, brought back to the picture's own size.

Sizes are (height, width). Corners are aligned, as everywhere in the network.
"""

import numpy as np

_PIXELS_AT_ONCE = 1 << 18


def upscale_ids(ids: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes a mask by nearest neighbours.

    Args:
      ids: integers [h, w].
      size: (height, width) of the result.

    Returns:
      ids of the same type, [height, width].
    """
    rows, columns = (
        np.floor(_positions(source, target) + 0.5).astype(np.intp)
        for source, target in zip(ids.shape, size, strict=True)
    )
    return ids[rows][:, columns]


def upscale_probabilities(probabilities: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes probabilities bilinearly.

    Args:
      probabilities: float32 [h, w, num_classes].
      size: (height, width) of the result.

    Returns:
      float32 [height, width, num_classes].
    """
    for axis in (0, 1):
        first, second, weight = _neighbours(probabilities.shape[axis], size[axis])
        weight = weight.reshape([-1, 1, 1] if axis == 0 else [1, -1, 1])
        probabilities = (
            probabilities.take(first, axis) * (1 - weight)
            + probabilities.take(second, axis) * weight
        )
    return probabilities


def upscale_to_ids(probabilities: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns the likeliest class after a bilinear resize, which gives smooth borders.

    The same as `upscale_probabilities(...).argmax(-1)` in a fraction of time and memory: between
    four pixels of one class no other class can win, so only the rest is interpolated.

    Args:
      probabilities: float32 [h, w, num_classes].
      size: (height, width) of the result.

    Returns:
      int32 [height, width].
    """
    top, bottom, down = _neighbours(probabilities.shape[0], size[0])
    left, right, across = _neighbours(probabilities.shape[1], size[1])
    ids = probabilities.argmax(-1).astype(np.int32)
    upscaled = ids[top][:, left]

    below, beside = np.append(ids[1:], ids[-1:], 0), np.append(ids[:, 1:], ids[:, -1:], 1)
    diagonal = np.append(below[:, 1:], below[:, -1:], 1)
    is_mixed = (ids != below) | (ids != beside) | (ids != diagonal)
    rows, columns = np.nonzero(is_mixed[top][:, left])
    for start in range(0, len(rows), _PIXELS_AT_ONCE):
        row, column = (
            rows[start : start + _PIXELS_AT_ONCE],
            columns[start : start + _PIXELS_AT_ONCE],
        )
        upper = _mix(
            probabilities[top[row], left[column]],
            probabilities[top[row], right[column]],
            across[column],
        )
        lower = _mix(
            probabilities[bottom[row], left[column]],
            probabilities[bottom[row], right[column]],
            across[column],
        )
        upscaled[row, column] = _mix(upper, lower, down[row]).argmax(-1)
    return upscaled


def _mix(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return first + (second - first) * weight[:, np.newaxis]


def _positions(source: int, target: int) -> np.ndarray:
    """Returns where each of `target` pixels lies among `source` ones, corners aligned."""
    return np.arange(target) * ((source - 1) / max(1, target - 1))


def _neighbours(source: int, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the source pixels before and after each target pixel, and the latter's weight."""
    positions = _positions(source, target)
    first = np.minimum(positions.astype(np.intp), source - 1)
    second = np.minimum(first + 1, source - 1)
    return first, second, (positions - first).astype(np.float32)
