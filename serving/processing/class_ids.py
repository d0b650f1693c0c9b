"""The likeliest class of each pixel from coarse logits, without interpolating all of them.

As in `deeplab.network.fast_argmax`: between four neighboring logits that agree on the class no
other class can win, so only the other cells are interpolated. And of these, only the classes that
can win: those whose largest corner is above the smallest one of some other class.
"""

import numpy as np

# Cells with the same number of classes run together, and so many pixels of them at once, which
# stay in a core's cache.
_PIXELS_AT_ONCE = 1 << 15


def factor(side: int, target: int) -> int:
    """Returns by how much a side of logits grows; 0 where that is not a whole number."""
    if side == target:
        return 1
    if side < 2 or target < side or (target - 1) % (side - 1):
        return 0
    return (target - 1) // (side - 1)


def upsampled_argmax(logits: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns the argmax of logits resized bilinearly with corners aligned.

    Args:
      logits: float32 [h, w, classes].
      height, width: size of the result; `factor` says whether they can be used.

    Returns:
      Integers [height, width] of the smallest type that holds them.
    """
    rows, columns, num_classes = logits.shape
    vertical, horizontal = factor(rows, height), factor(columns, width)
    ids = logits.argmax(-1).astype(np.min_scalar_type(num_classes - 1))
    # A cell has its logit in its upper left corner; the last row and column repeat themselves.
    padded = np.pad(ids, ((0, 1), (0, 1)), "edge")
    others = padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    is_mixed = (ids != others[0]) | (ids != others[1]) | (ids != others[2])
    pixels = np.empty([rows, vertical, columns, horizontal], ids.dtype)
    pixels[:] = ids[:, np.newaxis, :, np.newaxis]
    top, left = np.nonzero(is_mixed)
    if len(top):
        bottom, right = np.minimum(top + 1, rows - 1), np.minimum(left + 1, columns - 1)
        corners = np.stack(
            [logits[top, left], logits[top, right], logits[bottom, left], logits[bottom, right]]
        )
        for cells, classes in _possible_classes(corners):
            num_at_once = max(1, _PIXELS_AT_ONCE // (vertical * horizontal))
            for start in range(0, len(cells), num_at_once):
                some = slice(start, start + num_at_once)
                found = _interpolated_argmax(
                    corners[:, cells[some, np.newaxis], classes[some]], vertical, horizontal
                )
                chosen = np.take_along_axis(classes[some].T, found.reshape(-1, found.shape[-1]), 0)
                values = chosen.reshape(found.shape).transpose(2, 0, 1)
                pixels[top[cells[some]], :, left[cells[some]]] = values
    return pixels.reshape(rows * vertical, columns * horizontal)[:height, :width]


def _possible_classes(corners: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Finds which classes can win in cells, and groups cells by their number.

    Args:
      corners: logits [4, cells, classes].

    Returns:
      For each group (indices of its cells [n], its classes [n, number], ascending).
    """
    least = corners.min(0).max(-1, keepdims=True)  # The winner is nowhere below this.
    can_win = corners.max(0) >= least
    counts = can_win.sum(-1)
    cells, classes = np.nonzero(can_win)
    starts = np.concatenate([[0], np.cumsum(counts)])
    del cells
    groups = []
    for count in np.unique(counts):
        members = np.nonzero(counts == count)[0]
        groups.append((members, classes[starts[members, np.newaxis] + np.arange(count)]))
    return groups


def _interpolated_argmax(corners: np.ndarray, vertical: int, horizontal: int) -> np.ndarray:
    """Interpolates some classes in cells and returns which of them is the largest.

    Args:
      corners: logits [4, cells, number].
      vertical, horizontal: pixels of a cell.

    Returns:
      int [vertical, horizontal, cells]; of equal ones the first.
    """
    down = (np.arange(vertical, dtype=np.float32) / np.float32(vertical)).reshape(-1, 1, 1)
    across = (np.arange(horizontal, dtype=np.float32) / np.float32(horizontal)).reshape(-1, 1)
    best = found = None
    for number in range(corners.shape[-1]):
        upper_left, upper_right, lower_left, lower_right = np.ascontiguousarray(
            corners[:, :, number]
        )
        upper = upper_left + (upper_right - upper_left) * across
        lower = lower_left + (lower_right - lower_left) * across
        values = upper + (lower - upper) * down
        if best is None or found is None:
            best, found = values, np.zeros(values.shape, np.intp)
            continue
        is_larger = values > best
        np.copyto(found, number, where=is_larger)
        np.maximum(best, values, out=best)
    assert found is not None
    return found
