"""Layers in NumPy, written from their definitions: what networks are compared with."""

import itertools

import numpy as np


class Layers:
    """Layers whose weights are the variables of a network, found by scope.

    A layer's normalizer is what the variables say: batch norm, or biases.

    Args:
      variables: values by name.
      epsilon: of batch norm.
    """

    def __init__(self, variables, epsilon):
        self.variables = variables
        self.epsilon = epsilon

    def conv(self, inputs, scope, activation=None, stride=1, rate=1, padding="SAME"):
        weights = self.variables[f"{scope}/weights"]
        outputs = _windows(inputs, weights.shape[:2], stride, rate, padding, weights)
        return self._finish(outputs, scope, activation)

    def depthwise(self, inputs, scope, activation=None, stride=1, rate=1, padding="SAME"):
        weights = self.variables[f"{scope}/depthwise_weights"][..., 0]
        outputs = _windows(inputs, weights.shape[:2], stride, rate, padding, weights)
        return self._finish(outputs, scope, activation)

    def separable(self, inputs, scope, activation=None, rate=1):
        net = self.depthwise(inputs, f"{scope}_depthwise", activation, rate=rate)
        return self.conv(net, f"{scope}_pointwise", activation)

    def _finish(self, outputs, scope, activation):
        if f"{scope}/biases" in self.variables:
            outputs = outputs + self.variables[f"{scope}/biases"]
        else:
            gamma, beta, mean, variance = (
                self.variables[f"{scope}/BatchNorm/{name}"]
                for name in ("gamma", "beta", "moving_mean", "moving_variance")
            )
            outputs = (outputs - mean) / np.sqrt(variance + self.epsilon) * gamma + beta
        return outputs if activation is None else activation(outputs)


def relu(inputs):
    return np.maximum(inputs, 0.0)


def relu6(inputs):
    return np.clip(inputs, 0.0, 6.0)


def sigmoid(inputs):
    return 1.0 / (1.0 + np.exp(-inputs))


def hard_sigmoid(inputs):
    return relu6(inputs + 3.0) * 0.16667


def hard_swish(inputs):
    return inputs * relu6(inputs + 3.0) / 6.0


def global_mean(inputs):
    return inputs.mean(axis=(1, 2), keepdims=True)


def average_pool(inputs, kernel, stride):
    rows = range(0, inputs.shape[1] - kernel[0] + 1, stride[0])
    columns = range(0, inputs.shape[2] - kernel[1] + 1, stride[1])
    windows = [
        [
            inputs[:, row : row + kernel[0], column : column + kernel[1]].mean(axis=(1, 2))
            for column in columns
        ]
        for row in rows
    ]
    return np.stack([np.stack(row, axis=1) for row in windows], axis=1)


def max_pool_same(inputs, kernel, stride):
    padded = _pad_same(inputs, (kernel, kernel), stride, 1, fill=-np.inf)
    height, width = (-(-side // stride) for side in inputs.shape[1:3])
    parts = [
        padded[:, row::stride, column::stride][:, :height, :width]
        for row, column in itertools.product(range(kernel), repeat=2)
    ]
    return np.max(parts, axis=0)


def resize(inputs, height, width):
    """Bilinear, corner pixels on corner pixels."""
    for axis, size in ((1, height), (2, width)):
        positions = np.linspace(0.0, inputs.shape[axis] - 1.0, size)
        low = np.floor(positions).astype(int)
        high = np.minimum(low + 1, inputs.shape[axis] - 1)
        share = (positions - low).reshape([-1 if a == axis else 1 for a in range(4)])
        inputs = inputs.take(low, axis) * (1 - share) + inputs.take(high, axis) * share
    return inputs


def pad(inputs, kernel_size):
    """Padding of a strided convolution that does not depend on the input's size."""
    before = (kernel_size - 1) // 2
    sides = (before, kernel_size - 1 - before)
    return np.pad(inputs, [(0, 0), sides, sides, (0, 0)])


def _windows(inputs, kernel, stride, rate, padding, weights):
    """Adds up the shifted inputs, each times its weight."""
    rates = (rate, rate) if isinstance(rate, int) else rate
    if padding == "SAME":
        inputs = _pad_same(inputs, kernel, stride, rates)
    spans = [(side - 1) * r for side, r in zip(kernel, rates, strict=True)]
    height, width = (
        (side - span - 1) // stride + 1 for side, span in zip(inputs.shape[1:3], spans, strict=True)
    )
    total = 0.0
    for row, column in itertools.product(range(kernel[0]), range(kernel[1])):
        shifted = inputs[:, row * rates[0] :: stride, column * rates[1] :: stride]
        shifted = shifted[:, :height, :width]
        weight = weights[row, column]
        total = total + (shifted @ weight if weight.ndim == 2 else shifted * weight)
    return total


def _pad_same(inputs, kernel, stride, rate, fill=0.0):
    rates = (rate, rate) if isinstance(rate, int) else rate
    sides = []
    for size, side, r in zip(inputs.shape[1:3], kernel, rates, strict=True):
        total = max((-(-size // stride) - 1) * stride + (side - 1) * r + 1 - size, 0)
        sides.append((total // 2, total - total // 2))
    return np.pad(inputs, [(0, 0), *sides, (0, 0)], constant_values=fill)
