"""Layers by value."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import layers


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize("size", [(6, 8), (7, 5), (1, 3)])
def test_pooling_without_stride_holds_pooling_with_stride(kind, size):
    inputs = np.random.RandomState(0).normal(size=(2, *size, 3)).astype(np.float32)
    strided = layers.pool_2x2(tf.constant(inputs), kind, stride=2, rate=1)
    dense = layers.pool_2x2(tf.constant(inputs), kind, stride=1, rate=1)
    with tf.Session() as session:
        strided, dense = session.run([strided, dense])
    assert dense.shape == inputs.shape
    np.testing.assert_allclose(dense[:, ::2, ::2], strided, rtol=1e-6, atol=1e-6)
    # The first window has four pixels, or as many as there are.
    reduce = {"max": np.max, "average": np.mean}[kind]
    np.testing.assert_allclose(strided[:, 0, 0], reduce(inputs[:, :2, :2], axis=(1, 2)), rtol=1e-5)


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize("rate", [2, 3])
def test_rates_pool_pixels_that_lie_apart(kind, rate):
    inputs = np.random.RandomState(0).normal(size=(1, 7, 5, 2)).astype(np.float32)
    with tf.Session() as session:
        pooled = session.run(layers.pool_2x2(tf.constant(inputs), kind, stride=1, rate=rate))
    reduce = {"max": np.max, "average": np.mean}[kind]
    for row in range(7):
        for column in range(5):
            window = inputs[0, row : row + rate + 1 : rate, column : column + rate + 1 : rate]
            np.testing.assert_allclose(
                pooled[0, row, column], reduce(window, axis=(0, 1)), rtol=1e-5, atol=1e-6
            )
