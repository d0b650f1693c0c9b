"""Arithmetic and reductions: the same values in ONNX Runtime, in images and elsewhere."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.support.onnx_runs import conv, convert, kinds, random

FLOATS = {
    "abs": tf.abs,
    "add": lambda x: x + tf.constant(random(3)),
    "add_n": lambda x: tf.add_n([x, x * 2.0, tf.exp(x)]),
    "elu": tf.nn.elu,
    "floor mod": lambda x: tf.math.floormod(x, 0.7),
    "floor div": lambda x: tf.math.floordiv(x, 0.7),
    "leaky": lambda x: tf.nn.leaky_relu(x, 0.3),
    "log": lambda x: tf.log(tf.abs(x) + 1.0),
    "maximum": lambda x: tf.maximum(x, 0.5),
    "not equal": lambda x: tf.cast(tf.not_equal(tf.floor(x), 1.0), tf.float32),
    "pow": lambda x: tf.pow(tf.abs(x), 1.5),
    "relu6": lambda x: tf.nn.relu6(x * 5.0),
    "rint": lambda x: tf.rint(tf.floor(x * 4.0) * 0.5),
    "rsqrt": lambda x: tf.rsqrt(tf.abs(x) + 0.1),
    "select": lambda x: tf.where_v2(x > 0.2, x, -3.0 * x),
    "first select": lambda x: tf.where(tf.logical_and(x > 0.2, x < 1.0), x, -3.0 * x),
    "sigmoid": tf.sigmoid,
    "squared difference": lambda x: tf.math.squared_difference(x, 0.4),
    "square": lambda x: tf.square(x) / 3.0,
    "tanh": lambda x: tf.tanh(x) - tf.constant(random(1, 1, 1, 3)),
}


@pytest.mark.parametrize("compute", FLOATS.values(), ids=FLOATS)
@pytest.mark.parametrize("is_between", [False, True], ids=["alone", "between convolutions"])
def test_floats(tmp_path, compute, is_between):
    def build(images: tf.Tensor) -> tf.Tensor:
        return conv(compute(conv(images, 3) * 0.1)) if is_between else compute(images)

    model = convert(build, random(2, 6, 5, 3), tmp_path, shape=[None, 6, 5, 3])
    if is_between:
        # What stands between convolutions stays in their layout.
        assert kinds(model).count("Transpose") == 2


@pytest.mark.parametrize(
    "compute",
    [
        lambda x: tf.math.floordiv(x, 3),
        lambda x: tf.math.floormod(1 - x, 4),
        lambda x: tf.maximum(tf.minimum(x, 2), -x),
        lambda x: tf.cast(tf.cast(x, tf.float64) * 0.0625, tf.int32),
        lambda x: tf.cast(tf.logical_or(x >= 3, tf.logical_not(x <= 0)), tf.int32),
        lambda x: tf.where(tf.reduce_max(x) > 5, x, -x),
        lambda x: tf.cast(tf.cast(x, tf.uint8), tf.int64),
    ],
)
def test_whole_numbers(tmp_path, compute):
    convert(compute, np.arange(-9, 12, dtype=np.int32), tmp_path)


@pytest.mark.parametrize(
    ("compute", "is_image"),
    [
        (lambda x: tf.reduce_mean(x, [1, 2], keepdims=True), True),
        (lambda x: tf.reduce_mean(x, [1, 2]), False),
        (lambda x: tf.reduce_max(x, [3], keepdims=True), True),
        (lambda x: tf.reduce_sum(x, -1), False),
        (lambda x: tf.reduce_min(x, [2], keepdims=True), True),
        (lambda x: tf.reduce_prod(x, [1]), False),
        (lambda x: tf.argmax(x, axis=3, output_type=tf.int32), False),
        (lambda x: tf.argmax(x, axis=1), False),
        (tf.nn.softmax, False),
    ],
)
def test_over_axes(tmp_path, compute, is_image):
    images = random(2, 6, 5, 3)
    convert(compute, images, tmp_path)
    convert(lambda x: compute(conv(x) * 0.1), images, tmp_path)
    if is_image:
        model = convert(lambda x: compute(conv(x) * 0.1) + conv(x), images, tmp_path)
        assert kinds(model).count("Transpose") == 2


def test_the_first_of_equal_values_is_the_largest(tmp_path):
    convert(lambda x: tf.argmax(x, -1), np.array([[1, 3, 3], [2, 2, 2]], np.float32), tmp_path)


def test_a_bias_becomes_part_of_the_convolution_unless_others_read_that(tmp_path):
    biases = tf.constant  # A constant of each graph's own.

    def own(images: tf.Tensor) -> tf.Tensor:
        return tf.nn.bias_add(conv(images), biases(random(4)))

    def shared(images: tf.Tensor) -> tf.Tensor:
        convolved = conv(images)
        return tf.nn.bias_add(convolved, biases(random(4))) * tf.nn.relu(convolved)

    model = convert(own, random(1, 4, 5, 3), tmp_path)
    (node,) = (each for each in model.graph.node if each.op_type == "Conv")
    assert len(node.input) == 3
    assert "Add" not in kinds(model)
    assert "Add" in kinds(convert(shared, random(1, 4, 5, 3), tmp_path))
    convert(lambda x: tf.nn.bias_add(x, biases(random(3))), random(1, 4, 5, 3), tmp_path)


@pytest.mark.parametrize("is_left", [False, True])
@pytest.mark.parametrize("is_turned", [False, True])
def test_products_of_matrices(tmp_path, is_left, is_turned):
    weights = random(5, 5, seed=3)
    convert(
        lambda x: tf.matmul(x, weights, transpose_a=is_left, transpose_b=is_turned),
        random(5, 5),
        tmp_path,
    )


def test_a_choice_of_rows_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Select chosen cannot be written as ONNX: it selects row"):
        convert(lambda x: tf.where(x[:, 0] > 0, x, -x, name="chosen"), random(4, 3), tmp_path)
