"""The likeliest class of each pixel from coarse logits, without interpolating all of them.

As in `deeplab.network.fast_argmax`: between four neighboring logits that agree on the class no
other class can win, so only the other cells are interpolated. And of these, only the classes that
can win: those whose largest corner is above the smallest one of some other class.
"""

from collections.abc import Iterator

import numpy as np

from common.resized_cells import corner_weights, factor

# Logits that are interpolated at once: they stay in a core's cache.
_VALUES_AT_ONCE = 1 << 19


def upsampled_argmax(logits: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns the argmax of logits resized bilinearly with corners aligned.

    Args:
      logits: float32 [h, w, classes].
      height, width: size of the result, which has a whole `resized_cells.factor`.

    Returns:
      Integers [height, width] of the smallest type that holds them.
    """
    rows, columns, num_classes = logits.shape
    vertical, horizontal = factor(rows, height), factor(columns, width)
    ids = logits.argmax(-1).astype(np.min_scalar_type(num_classes - 1))
    # A cell has its logit in its upper left corner.
    pixels = np.empty([rows * columns, vertical * horizontal], ids.dtype)
    pixels[:] = ids.reshape(-1, 1)
    cells = np.flatnonzero(is_mixed(ids))
    if len(cells):
        corners = logits.reshape(-1, num_classes).take(_corners(cells, rows, columns), axis=0)
        weights = corner_weights(vertical, horizontal)
        for members, classes in _possible_classes(corners, ids.dtype):
            num_at_once = max(1, _VALUES_AT_ONCE // (len(weights) * classes.shape[1]))
            for start in range(0, len(members), num_at_once):
                some, competing = (each[start : start + num_at_once] for each in (members, classes))
                values = corners[:, some[:, np.newaxis], competing]
                pixels[cells[some]] = _likeliest(values, competing, weights)
    rectangles = pixels.reshape(rows, columns, vertical, horizontal).transpose(0, 2, 1, 3)
    return rectangles.reshape(rows * vertical, columns * horizontal)[:height, :width]


def is_mixed(ids: np.ndarray) -> np.ndarray:
    """Returns whether the corners of cells have different classes.

    Args:
      ids: integers [h, w]. A cell has its own in its upper left corner; the last row and column
        repeat themselves.

    Returns:
      bool [h, w].
    """
    differs_from_right = np.zeros([ids.shape[0] + 1, ids.shape[1]], bool)
    differs_from_right[:-1, :-1] = ids[:, 1:] != ids[:, :-1]
    differs = differs_from_right[:-1] | differs_from_right[1:]
    differs[:-1] |= ids[1:] != ids[:-1]
    return differs


def _corners(cells: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Returns the flat indices [4, cells] of the logits around cells; those outside are clipped."""
    row, column = np.divmod(cells, columns)
    right = cells + (column < columns - 1)
    step = np.where(row < rows - 1, columns, 0)
    return np.stack([cells, right, cells + step, right + step])


def _possible_classes(
    corners: np.ndarray, dtype: np.dtype
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Finds which classes can win in cells, and groups cells by their number.

    Args:
      corners: logits [4, cells, classes].
      dtype: type that holds class ids.

    Yields:
      For each group (indices of its cells [n], its classes [n, number], ascending).
    """
    least = corners.min(0).max(-1, keepdims=True)  # The winner is nowhere below this.
    can_win = ~(corners.max(0) < least)  # Where logits are no numbers, any class can.
    counts = can_win.sum(-1)
    starts = np.cumsum(counts) - counts
    classes = np.nonzero(can_win)[1].astype(dtype)
    for count in np.unique(counts):
        members = np.flatnonzero(counts == count)
        yield members, classes[starts[members, np.newaxis] + np.arange(count)]


def _likeliest(values: np.ndarray, classes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Interpolates some classes in cells and returns which of them is the largest.

    Args:
      values: logits [4, cells, number].
      classes: integers [cells, number], their ids.
      weights: float32 [pixels, 4] of the corners.

    Returns:
      Class ids [cells, pixels]; of equal ones the first.
    """
    number = classes.shape[1]
    if number == 2:  # Most cells: of two classes, the difference is enough.
        is_second = weights @ (values[..., 1] - values[..., 0]) > 0
        return np.where(is_second.T, classes[:, 1:], classes[:, :1])
    interpolated = (weights @ values.reshape(4, -1)).reshape(len(weights), -1, number)
    return np.take_along_axis(classes, interpolated.argmax(-1).T, axis=1)
