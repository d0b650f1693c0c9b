"""Names and places of a VGG's layers, whose outputs are compared.

`conv4_2` is what stands behind its ReLU, as in the papers and in every program; `relu4_2` is
another name of it.
"""

import re

from nets import vgg

_NAME = re.compile(r"(?:conv|relu)(?P<block>[1-5])_(?P<number>[1-4])")


def canonical(name: str) -> str:
    """Returns a layer's name as `conv4_2`; raises ValueError for what is none."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(
            f"{name!r} is no layer of a VGG; expected names such as conv4_2 or relu4_2."
        )
    return f"conv{found['block']}_{found['number']}"


def stride(name: str) -> int:
    """Returns how many pixels of the image lie between two of a layer's."""
    return int(2 ** (int(name[len("conv")]) - 1))


def reach(name: str, variant: str) -> int:
    """Returns how many pixels to each side of the image a pixel of a layer depends on."""
    block, number = int(name[len("conv")]), int(name[-1])
    counts = [*vgg.NUM_CONVOLUTIONS[variant][: block - 1], number]
    pixels = 0
    for index, count in enumerate(counts):
        # A convolution reaches one of its pixels to each side, a pooling one to the lower right.
        pixels += count * 2**index + (2**index if index < block - 1 else 0)
    return pixels
