"""Losses and gradients of coarse logits, against NumPy at label size; bands of any height."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.objective import label_bands, upsampled_loss
from tests.support import numpy_layers

LOGITS_SHAPE = (2, 5, 4, 3)
HEIGHT, WIDTH = 17, 10


@pytest.fixture(params=[1, 6, 64])
def rows(request, monkeypatch) -> int:
    monkeypatch.setattr(label_bands, "_ROWS", request.param)
    return request.param


def example():
    """Returns logits, class ids and weights, float64, int32 and float64."""
    random = np.random.RandomState(0)
    logits = random.normal(0, 3, LOGITS_SHAPE)
    class_ids = random.randint(0, LOGITS_SHAPE[3], (2, HEIGHT, WIDTH), np.int32)
    return logits, class_ids, random.uniform(0, 2, class_ids.shape)


def softmax_of(logits):
    """Returns the log of softmax at label size."""
    resized = numpy_layers.resize(logits, HEIGHT, WIDTH)
    return resized - np.log(np.exp(resized).sum(axis=-1, keepdims=True))


def losses_of(logits, class_ids):
    return -np.take_along_axis(softmax_of(logits), class_ids[..., np.newaxis], axis=-1)[..., 0]


def test_each_pixel_has_its_cross_entropy_and_no_gradient(rows):
    logits, class_ids, _ = example()
    tensor = tf.constant(logits, tf.float32)
    losses = upsampled_loss.pixel_losses(tensor, tf.constant(class_ids))
    assert losses.shape.as_list() == [2, HEIGHT, WIDTH]
    assert tf.gradients(losses, tensor) == [None]
    with tf.Session() as session:
        found = session.run(losses)
    np.testing.assert_allclose(found, losses_of(logits, class_ids), rtol=1e-4, atol=1e-5)


def test_the_weighted_sum_and_its_gradient(rows):
    """The resize is linear, so its transpose comes from resizing what is 1 at one place."""
    logits, class_ids, weights = example()
    tensor = tf.constant(logits, tf.float32)
    total = upsampled_loss.weighted_sum(
        tensor, tf.constant(class_ids), tf.constant(weights, tf.float32)
    )
    (gradient,) = tf.gradients(2.0 * total, tensor)
    with tf.Session() as session:
        found, gradient = session.run([total, gradient])
    np.testing.assert_allclose(found, (weights * losses_of(logits, class_ids)).sum(), rtol=1e-5)
    _, height, width, num_classes = LOGITS_SHAPE
    places = np.eye(height * width).reshape(height * width, height, width, 1)
    spread = numpy_layers.resize(places, HEIGHT, WIDTH)[..., 0]
    at_pixels = np.exp(softmax_of(logits)) - np.eye(num_classes)[class_ids]
    expected = np.einsum("pyx,byxk->bpk", spread, weights[..., np.newaxis] * at_pixels)
    np.testing.assert_allclose(gradient, 2.0 * expected.reshape(LOGITS_SHAPE), atol=1e-4)


def test_a_pixel_without_weight_counts_for_nothing(rows):
    logits, class_ids, weights = example()
    weights[0, : HEIGHT // 2] = 0.0
    wrong = class_ids.copy()
    wrong[0, : HEIGHT // 2] = (wrong[0, : HEIGHT // 2] + 1) % LOGITS_SHAPE[3]
    tensor = tf.constant(logits, tf.float32)
    values = []
    for ids in (class_ids, wrong):
        total = upsampled_loss.weighted_sum(
            tensor, tf.constant(ids), tf.constant(weights, tf.float32)
        )
        values += [total, tf.gradients(total, tensor)[0]]
    with tf.Session() as session:
        first, first_gradient, second, second_gradient = session.run(values)
    np.testing.assert_allclose(first, second, rtol=1e-6)  # The order of a sum is free.
    np.testing.assert_array_equal(first_gradient, second_gradient)
    assert np.abs(first_gradient).max() > 0.1


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_the_focal_loss_and_its_gradient(gamma):
    """By finite differences of the definition, (1 - p)^gamma times the cross entropy."""
    logits, class_ids, weights = example()

    def losses(logits):
        cross_entropies = losses_of(logits, class_ids)
        return (1.0 - np.exp(-cross_entropies)) ** gamma * cross_entropies

    tensor, ids = tf.constant(logits, tf.float32), tf.constant(class_ids)
    total = upsampled_loss.weighted_sum(tensor, ids, tf.constant(weights, tf.float32), gamma)
    each = upsampled_loss.pixel_losses(tensor, ids, gamma)
    with tf.Session() as session:
        found, gradient, each = session.run([total, tf.gradients(total, tensor)[0], each])
    np.testing.assert_allclose(each, losses(logits), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found, (weights * losses(logits)).sum(), rtol=1e-5)
    step = 1e-5
    for place in np.ndindex(logits.shape):
        if sum(place) % 4:
            continue
        moved = [logits.copy(), logits.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        ends = [(weights * losses(values)).sum() for values in moved]
        np.testing.assert_allclose(gradient[place], (ends[0] - ends[1]) / (2 * step), atol=2e-4)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_the_focal_loss_of_certain_pixels_is_finite(gamma):
    """Where a pixel is right beyond doubt, 1 - p and the cross entropy are 0."""
    logits = np.zeros(LOGITS_SHAPE)
    logits[0, ..., 0], logits[1, ..., 0] = 300.0, -300.0
    tensor = tf.constant(logits, tf.float32)
    ids = tf.zeros([2, HEIGHT, WIDTH], tf.int32)
    total = upsampled_loss.weighted_sum(tensor, ids, tf.ones([2, HEIGHT, WIDTH]), gamma)
    with tf.Session() as session:
        loss, gradient = session.run([total, tf.gradients(total, tensor)[0]])
    np.testing.assert_allclose(loss, HEIGHT * WIDTH * (300.0 + np.log(2.0)), rtol=1e-5)
    assert np.isfinite(gradient).all()
    assert (gradient[0] == 0.0).all()
