"""What labelling tools write, for tests of what reads it."""

import itertools

import numpy as np


def pack_brush(alpha: np.ndarray) -> bytes:
    """Packs uint8 [height, width] of alpha, with the same in the colors, as Label Studio does."""
    values = np.repeat(alpha.reshape(-1), 4).tolist()
    sizes = (3, 4, 8, 16)
    bits = [f"{len(values):032b}", f"{8 - 1:05b}", *(f"{size - 1:04b}" for size in sizes)]
    for value, group in itertools.groupby(values):
        count = len(list(group))
        while count:
            length = min(count, 1 << sizes[-1])
            kind = next(k for k, size in enumerate(sizes) if length <= 1 << size)
            bits += ["1", f"{kind:02b}", f"{length - 1:0{sizes[kind]}b}", f"{value:08b}"]
            count -= length
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[place : place + 8], 2) for place in range(0, len(text), 8))
