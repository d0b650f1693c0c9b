"""What the contenders of style transfer work on: images and weights that are drawn."""

from collections.abc import Iterator, Sequence

import numpy as np

from nets import vgg
from style_transfer.weights.vgg_weights import MEAN_COLOR, VggWeights

VARIANT = "vgg_19"


def images(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns content and style, float32 [height, width, 3], RGB, 0..255."""
    random = np.random.RandomState(0)
    drawn = random.uniform(0.0, 255.0, (2, height, width, 3)).astype(np.float32)
    return drawn[0], drawn[1]


def weights(depths: Sequence[int]) -> VggWeights:
    """Returns VGG-19 with random weights and these channels in its blocks."""
    return VggWeights(VARIANT, dict(_layers(depths)), MEAN_COLOR, "random")


def _layers(depths: Sequence[int]) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    random = np.random.RandomState(1)
    depth = 3
    for name in vgg.layer_names(VARIANT):
        filters = depths[int(name[len("conv")]) - 1]
        kernel = random.normal(0.0, (2.0 / (9 * depth)) ** 0.5, (3, 3, depth, filters))
        yield name, (kernel.astype(np.float32), np.zeros(filters, np.float32))
        depth = filters
