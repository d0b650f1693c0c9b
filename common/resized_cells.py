"""Values that are resized bilinearly with corners aligned, cell by cell.

A cell lies between four neighboring values. Where a side grows by a whole number, every cell has
the same number of pixels, and each pixel the same weights of the cell's corners.
"""

import numpy as np


def factor(side: int, target: int) -> int:
    """Returns by how much a side grows, which is a cell's; 0 where that is not a whole number."""
    if side == target:
        return 1
    if side < 2 or target < side or (target - 1) % (side - 1):
        return 0
    return (target - 1) // (side - 1)


def corner_weights(vertical: int, horizontal: int) -> np.ndarray:
    """Returns the weights of a cell's corners for its pixels, row by row.

    Args:
      vertical, horizontal: size of the cell, pixels.

    Returns:
      float32 [pixels, 4]: of the upper left corner, the upper right, the lower left, the lower
      right.
    """
    down = np.repeat(np.arange(vertical) / vertical, horizontal)
    across = np.tile(np.arange(horizontal) / horizontal, vertical)
    up, back = 1 - down, 1 - across
    weights = [up * back, up * across, down * back, down * across]
    return np.stack(weights, axis=1).astype(np.float32)
