"""Batch norm variables for layers whose batch norm is folded into kernel and bias.

The kernel stays the folded one. With any mean and variance, gamma = sqrt(variance + epsilon) and
beta = bias + mean make `x + bias` of the convolution's output x, which is what the file computes.
Mean and variance are those of x over images, so that training finds the layers as a training run
leaves them. As no layer's function depends on the choice, one pass measures all of them.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from scripts.weight_import.network import Network

# A channel that hardly varies over the images would get a variance near 0, and the first image that
# moves it outputs and gradients of any size. At this share of the layer's mean variance, such a
# channel grows to a thirtieth of the others at most, even when it is normalized by its own batch.
_SMALLEST_SHARE = 1e-3


class Statistics(NamedTuple):
    """Mean and variance of a batch norm's inputs, float32 [channels]."""

    mean: np.ndarray
    variance: np.ndarray


def measure(network: Network, images: Iterable[np.ndarray]) -> dict[str, Statistics]:
    """Measures the inputs of every batch norm over images, float32 [*size, 3], RGB, 0..255.

    The network's values already make it compute what the file does.
    """
    with network.graph.as_default():
        moments = {
            scope: tf.nn.moments(each.inputs[0], axes=[0, 1, 2])
            for scope, each in network.batch_norms.items()
        }
    results = [network.run(moments, image) for image in images]
    return {
        scope: _join([result[scope] for result in results], each.get_attr("epsilon"))
        for scope, each in network.batch_norms.items()
    }


def variables(bias: np.ndarray, statistics: Statistics, epsilon: float) -> dict[str, np.ndarray]:
    """Returns a batch norm's variables, float32 [channels], by the last part of their names.

    `bias` is what the layer adds to its convolution, whose output has the statistics.
    """
    values = {
        "gamma": np.sqrt(statistics.variance.astype(np.float64) + epsilon),
        "beta": bias.astype(np.float64) + statistics.mean,
        "moving_mean": statistics.mean,
        "moving_variance": statistics.variance,
    }
    return {name: value.astype(np.float32) for name, value in values.items()}


def _join(moments: list[tuple[np.ndarray, np.ndarray]], epsilon: float) -> Statistics:
    """Joins moments of equally many values each, and keeps variances above 0."""
    means, variances = np.asarray(moments, np.float64).swapaxes(0, 1)
    mean = means.mean(axis=0)
    # Not E[x^2] - mean^2, which loses all digits where the mean is large.
    variance = (variances + np.square(means - mean)).mean(axis=0)
    smallest = max(epsilon, _SMALLEST_SHARE * variance.mean())
    return Statistics(mean.astype(np.float32), np.maximum(variance, smallest).astype(np.float32))
