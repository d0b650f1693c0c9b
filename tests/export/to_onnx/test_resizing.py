"""Resizes: the same pixels in ONNX Runtime, for known sizes and others."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.support.onnx_runs import conv, convert, kinds, random

SIZES = [(9, 13), (3, 4), (6, 5), (1, 1), (1, 9), (65, 33)]
WAYS = [{"align_corners": True}, {}, {"half_pixel_centers": True}]


@pytest.mark.parametrize("method", ["resize_bilinear", "resize_nearest_neighbor"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("how", WAYS, ids=["aligned", "plain", "centers"])
def test_sizes(tmp_path, method, size, how):
    resize = getattr(tf.image, method)
    images = random(2, 6, 5, 3)
    convert(lambda x: resize(x, size, **how), images, tmp_path, [None, 6, 5, 3])
    target = [side / given for side, given in zip(size, (6, 5), strict=True)]

    def to_unknown_size(x: tf.Tensor) -> tf.Tensor:
        sides = tf.cast(tf.shape(x)[1:3], tf.float32) * tf.constant(target)
        return resize(x, tf.cast(tf.rint(sides), tf.int32), **how)

    convert(to_unknown_size, images, tmp_path, [None, None, None, 3])


@pytest.mark.parametrize(("side", "target"), [(33, 513), (129, 513), (513, 375), (97, 1000)])
@pytest.mark.parametrize("is_known", [True, False])
def test_the_nearest_of_equally_near_rows_is_tensorflows(tmp_path, side, target, is_known):
    rows = np.arange(side, dtype=np.int32).reshape(1, side, 1, 1)
    size = [target, 1] if is_known else None
    convert(
        lambda x: tf.image.resize_nearest_neighbor(
            x, size or tf.stack([tf.shape(x)[1] - side + target, 1]), align_corners=True
        ),
        rows,
        tmp_path,
        None if is_known else [None, None, None, 1],
    )


@pytest.mark.parametrize(("side", "target"), [(33, 513), (129, 513), (513, 375), (97, 1000)])
def test_sides_of_networks(tmp_path, side, target):
    convert(
        lambda x: tf.image.resize_bilinear(x, [target, 5], align_corners=True),
        random(1, side, 5, 2),
        tmp_path,
        tolerance=2e-4,  # Of TensorFlow, which multiplies rows by a rounded float32 factor.
    )


def test_bytes_become_floats(tmp_path):
    images = np.random.RandomState(0).randint(0, 256, [1, 7, 8, 3], np.uint8)
    convert(lambda x: tf.image.resize_bilinear(x, [5, 9]), images, tmp_path, [None, None, None, 3])


def test_one_pixel_is_repeated(tmp_path):
    def build(images: tf.Tensor) -> tf.Tensor:
        pooled = tf.reduce_mean(images, [1, 2], keepdims=True)
        return tf.image.resize_bilinear(pooled, [6, 5], align_corners=True) + images

    model = convert(lambda x: build(conv(x)), random(2, 6, 5, 3), tmp_path)
    assert "Expand" in kinds(model)
    assert "Resize" not in kinds(model)
    assert kinds(model).count("Transpose") == 2
