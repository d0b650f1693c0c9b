"""Bands of rows against NumPy at label size."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.objective import label_bands
from tests.support import numpy_layers

LOGITS_SHAPE = (2, 5, 4, 3)
HEIGHT, WIDTH = 17, 10


@pytest.fixture(params=[1, 6, 64])
def rows(request, monkeypatch) -> int:
    monkeypatch.setattr(label_bands, "_ROWS", request.param)
    return request.param


def example():
    random = np.random.RandomState(0)
    class_ids = random.randint(0, LOGITS_SHAPE[3], (2, HEIGHT, WIDTH), np.int32)
    return random.normal(0, 3, LOGITS_SHAPE), class_ids


def make(logits, class_ids):
    return label_bands.Bands(tf.constant(logits, tf.float32), tf.constant(class_ids))


def run(tensor):
    with tf.Session() as session:
        return session.run(tensor)


def spread(height, width):
    """Resizes what is 1 at one place: [places, HEIGHT, WIDTH]."""
    places = np.eye(height * width).reshape(height * width, height, width, 1)
    return numpy_layers.resize(places, HEIGHT, WIDTH)[..., 0]


def test_bands_cover_every_row_once(rows):
    slices = list(make(*example()))
    assert [row for each in slices for row in range(each.start, each.stop)] == list(range(HEIGHT))


def test_the_softmax_of_a_band_is_that_of_resized_logits(rows):
    logits, class_ids = example()
    resized = numpy_layers.resize(logits, HEIGHT, WIDTH)
    log_sums = np.log(np.exp(resized).sum(axis=-1))
    bands = make(logits, class_ids)
    for each in bands:
        softmax = bands.softmax(each)
        found = run([softmax.log_sums(), softmax.probabilities(), softmax.one_hot()])
        np.testing.assert_allclose(found[0], log_sums[:, each], rtol=1e-5, atol=1e-5)
        expected = np.exp(resized - log_sums[..., np.newaxis])[:, each]
        np.testing.assert_allclose(found[1].transpose(1, 2, 3, 0), expected, rtol=1e-4, atol=1e-6)
        one_hot = np.eye(LOGITS_SHAPE[3])[class_ids[:, each]]
        np.testing.assert_array_equal(found[2].transpose(1, 2, 3, 0), one_hot)


def test_one_class_is_resized_and_its_gradient_brought_back():
    """The resize is linear, so its transpose comes from resizing what is 1 at one place."""
    logits, class_ids = example()
    bands = make(logits, class_ids)
    gradient = np.random.RandomState(1).normal(0, 1, (2, HEIGHT, WIDTH))
    found = run(
        [
            bands.logits_of_class(tf.constant(2)),
            bands.gradient_of_class(tf.constant(gradient, tf.float32)),
        ]
    )
    resized = numpy_layers.resize(logits, HEIGHT, WIDTH)[..., 2]
    np.testing.assert_allclose(found[0], resized, rtol=1e-4, atol=1e-5)
    expected = np.einsum("pyx,byx->bp", spread(*LOGITS_SHAPE[1:3]), gradient)
    np.testing.assert_allclose(found[1].reshape(2, -1), expected, rtol=1e-4, atol=1e-4)


def test_the_parts_of_a_gradient_add_up(rows):
    logits, class_ids = example()
    bands = make(logits, class_ids)
    gradient = np.random.RandomState(1).normal(0, 1, (LOGITS_SHAPE[3], 2, HEIGHT, WIDTH))
    parts = [
        bands.part_of_gradient(each, tf.constant(gradient[:, :, each], tf.float32))
        for each in bands
    ]
    found = run(tf.add_n(parts))
    expected = np.einsum("pyx,kbyx->kbp", spread(*LOGITS_SHAPE[1:3]), gradient)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-4, atol=1e-4)
