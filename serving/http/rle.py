"""COCO's run-length encoding of masks, as pycocotools writes it.

Runs go down the columns, and begin with one of zeros. From the fourth run on, the difference to the
last but one is written. Numbers are cut into 5 bits each, lowest first, with a sixth bit where more
follow; 48 makes them letters.
"""

import numpy as np


def encode(mask: np.ndarray) -> str:
    """Returns the `counts` of a mask, bool [height, width]."""
    return _to_letters(_count_runs(mask))


def decode(counts: str, height: int, width: int) -> np.ndarray:
    """Returns the mask of `counts`, bool [height, width]."""
    runs: list[int] = []
    number = shift = 0
    for letter in counts.encode():
        bits = letter - 48
        number |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            number -= 1 << shift
        runs.append(number + (runs[-2] if len(runs) > 2 else 0))
        number = shift = 0
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T


def _count_runs(mask: np.ndarray) -> np.ndarray:
    """Returns the lengths of runs, int64, the first of them of zeros."""
    column = np.ascontiguousarray(mask.T).reshape(-1)
    changes = np.flatnonzero(column[1:] != column[:-1]) + 1
    edges = np.concatenate([[0], changes, [column.size]])
    runs = np.diff(edges)
    return np.concatenate([[0], runs]) if column[0] else runs


def _to_letters(runs: np.ndarray) -> str:
    numbers = runs.astype(np.int64)
    numbers[3:] -= runs[1:-2]
    pieces = np.zeros([len(numbers), 14], np.uint8)  # 64 bits are 13 pieces.
    is_open = np.ones(len(numbers), bool)
    used = np.zeros(len(numbers), np.int64)
    for index in range(pieces.shape[1]):
        bits = numbers & 31
        numbers >>= 5
        # The sign is in the fifth bit of the last piece.
        more = np.where(bits & 16, numbers != -1, numbers != 0)
        pieces[:, index] = np.where(is_open, bits + 48 + 32 * more, 0)
        used += is_open
        is_open &= more
        if not is_open.any():
            break
    return pieces[np.arange(pieces.shape[1]) < used[:, np.newaxis]].tobytes().decode("ascii")
