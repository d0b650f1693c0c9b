"""Upscaling against NumPy's interpolation and TensorFlow's resize."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from serving import upscaling

SIZES = [
    ((5, 7), (23, 40)),
    ((4, 4), (4, 9)),
    ((1, 6), (5, 11)),
    ((6, 1), (3, 1)),
    ((9, 8), (1, 1)),
]


def interpolate(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Interpolates [h, w, channels] along rows, then columns, with np.interp."""
    for axis in (0, 1):
        old = values.shape[axis]
        positions = np.linspace(0, old - 1, size[axis]) if size[axis] > 1 else np.zeros(1)
        values = np.apply_along_axis(
            lambda line, at=positions, old=old: np.interp(at, np.arange(old), line), axis, values
        )
    return values


def probabilities(size: tuple[int, int], seed: int) -> np.ndarray:
    values = np.random.RandomState(seed).rand(*size, 4).astype(np.float32) ** 4
    return values / values.sum(-1, keepdims=True)


@pytest.mark.parametrize(("source", "target"), SIZES)
def test_probabilities_are_interpolated(source, target):
    values = probabilities(source, 1)
    upscaled = upscaling.upscale_probabilities(values, target)
    np.testing.assert_allclose(upscaled, interpolate(values, target), atol=1e-6)


@pytest.mark.parametrize(("source", "target"), SIZES)
def test_shortcut_gives_the_likeliest_class_of_all_pixels(source, target):
    values = probabilities(source, 2)
    expected = interpolate(values, target)
    ids = upscaling.upscale_to_ids(values, target)
    assert ids.shape == target
    assert ids.dtype == np.int32
    chosen = np.take_along_axis(expected, ids[..., None].astype(int), axis=2)[..., 0]
    np.testing.assert_allclose(chosen, expected.max(-1), atol=1e-6)  # equal but for exact ties


def test_shortcut_in_parts_equals_one_part(monkeypatch):
    values = probabilities((12, 12), 3)
    whole = upscaling.upscale_to_ids(values, (61, 47))
    all_probabilities = upscaling.upscale_probabilities(values, (61, 47))
    all_ids = upscaling.upscale_ids(whole, (70, 90))
    monkeypatch.setattr(upscaling, "_VALUES_AT_ONCE", 400)
    monkeypatch.setattr(upscaling, "_BAND_VALUES", 500)
    parts = upscaling.upscale_to_ids(values, (61, 47), np.uint8)
    assert parts.dtype == np.uint8
    np.testing.assert_array_equal(parts, whole)
    np.testing.assert_array_equal(
        upscaling.upscale_probabilities(values, (61, 47)), all_probabilities
    )
    np.testing.assert_array_equal(upscaling.upscale_ids(whole, (70, 90)), all_ids)


@pytest.mark.parametrize(("source", "target"), [((5, 7), (22, 40)), ((30, 20), (7, 9))])
def test_nearest_neighbors_are_tensorflows(source, target):
    ids = np.random.RandomState(0).randint(0, 9, source).astype(np.int32)
    expected = tf.image.resize_nearest_neighbor(ids[None, ..., None], target, align_corners=True)
    with tf.Session() as session:
        expected = session.run(expected)[0, ..., 0]
    np.testing.assert_array_equal(upscaling.upscale_ids(ids, target), expected)
