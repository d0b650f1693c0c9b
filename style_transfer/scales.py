"""The sizes at which an image is worked on, and how much memory each takes.

A network sees some hundred pixels around each. In a larger image its strokes are small, so larger
images begin at a size that suits it, and are then refined.
"""

import dataclasses

from common import memory
from style_transfer import windows
from style_transfer.network import Network

# Longer sides up to this one are worked on at once. Begun at 256 pixels, the sky of an image of 512
# has the whirls of van Gogh's; begun at 512, only his strokes.
_COARSEST_SIDE = 256
_SHARE_OF_MEMORY = 0.75
# For each pixel of the whole image: content, image and best one, the gradient and its moments, and
# as many that come and go; float32 of three channels.
_IMAGE_BYTES = 12 * 12


@dataclasses.dataclass(frozen=True)
class Scale:
    """A size of the image.

    Attributes:
      longer_side: pixels.
      num_steps: at this size.
    """

    longer_side: int
    num_steps: int


def plan(longer_side: int, num_steps: int, num_scales: int | None = None) -> list[Scale]:
    """Returns the sizes from coarse to fine: each twice the one before, with half of its steps.

    Args:
      num_scales: how many; None for as many as it takes to begin at 256 pixels or less.
    """
    sides = [longer_side]
    while len(sides) < (num_scales or 99) and (num_scales or sides[0] > _COARSEST_SIDE):
        sides.insert(0, -(-sides[0] // 2))
    return [Scale(side, -(-num_steps // 2**index)) for index, side in enumerate(sides)]


def window_side(network: Network, height: int, width: int) -> int | None:
    """Returns the side of windows that fit into memory; None where the whole image does.

    Raises:
      ValueError: not even the smallest window does.
    """
    free = memory.available_bytes(with_swap=False)
    if free is None:
        return None
    of_image = _needed_bytes(network, height, width, 0)
    pixels = max(_SHARE_OF_MEMORY * free - of_image, 0.0) / network.bytes_per_pixel
    if height * width <= pixels:
        return None
    side = int(pixels**0.5)
    smallest = windows.smallest_side(network.reach, network.stride)
    if side < smallest:
        needed = _needed_bytes(network, height, width, smallest) / _SHARE_OF_MEMORY
        raise ValueError(
            f"{width}x{height} pixels in windows of {smallest}, the smallest, need "
            f"{memory.in_words(needed)} of memory, and {memory.in_words(free)} are free. End other "
            "programs, or lower --image_size."
        )
    return side


def describe(network: Network, height: int, width: int, side: int | None) -> str:
    """Says how much memory an image takes, before it does."""
    free = memory.available_bytes(with_swap=False)
    count = len(windows.split(height, width, side, network.reach, network.stride))
    needed = _needed_bytes(network, height, width, side)
    text = f"{width}x{height}: {memory.in_words(needed)} of memory"
    if free is not None:
        text += f", of {memory.in_words(free)} that are free"
    return text if side is None else f"{text}, in {count} windows of {side} pixels"


def _needed_bytes(network: Network, height: int, width: int, side: int | None) -> float:
    """Returns what an image takes in windows of a side, or as one; beside the program."""
    pixels = height * width if side is None else min(height, side) * min(width, side)
    of_image = height * width * (_IMAGE_BYTES + network.kept_bytes_per_pixel)
    return network.bytes_per_pixel * pixels + of_image
