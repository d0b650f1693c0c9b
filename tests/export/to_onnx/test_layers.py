"""Convolutions, pooling and batch norms: the same values in ONNX Runtime."""

import pytest
import tensorflow.compat.v1 as tf

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.support.onnx_runs import conv, convert, kinds, random

IMAGES = random(2, 9, 8, 4)


def depthwise(images: tf.Tensor, multiplier: int = 1, **how) -> tf.Tensor:
    weights = tf.constant(random(3, 3, 4, multiplier, seed=2))
    return tf.nn.depthwise_conv2d(images, weights, **{"padding": "SAME", **how})


def atrous(images: tf.Tensor, convolve, rate: int = 2) -> tf.Tensor:
    """As slim does it, for images of 9x8: cropped to SAME's size where the rate does not divide."""
    pads = [[rate, rate + (-9) % rate], [rate, rate + (-8) % rate]]
    outputs = tf.space_to_batch_nd(images, [rate, rate], pads)
    outputs = convolve(outputs, padding="VALID")
    return tf.batch_to_space_nd(outputs, [rate, rate], [[0, (-9) % rate], [0, (-8) % rate]])


def batch_norm(images: tf.Tensor) -> tf.Tensor:
    gamma, beta, mean = (tf.constant(random(4, seed=seed)) for seed in (3, 4, 5))
    variance = tf.constant(random(4, seed=6, low=0.2))
    return tf.nn.fused_batch_norm(
        images, gamma, beta, mean, variance, epsilon=1e-3, is_training=False
    )[0]


CASES = {
    "convolution": conv,
    "no padding": lambda x: conv(x, padding="VALID"),
    "stride 2": lambda x: conv(x, strides=2),
    "stride 2 without padding": lambda x: conv(x, strides=2, padding="VALID"),
    "uneven strides": lambda x: conv(x, strides=[1, 2, 1, 1]),
    "explicit padding": lambda x: conv(x, padding=[[0, 0], [1, 2], [0, 3], [0, 0]]),
    "dilated": lambda x: conv(x, dilations=2),
    "groups": lambda x: tf.nn.conv2d(x, tf.constant(random(3, 3, 2, 6)), 1, "SAME"),
    "depthwise": lambda x: depthwise(x, strides=[1, 1, 1, 1]),
    "two each": lambda x: depthwise(x, 2, strides=[1, 1, 1, 1]),
    "depthwise, stride 2": lambda x: depthwise(x, strides=[1, 2, 2, 1]),
    "maxima": lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME"),
    "maxima inside": lambda x: tf.nn.max_pool2d(x, [2, 3], [1, 2], "VALID"),
    "averages": lambda x: tf.nn.avg_pool2d(x, 3, 1, "SAME"),
    "averages of pairs": lambda x: tf.nn.avg_pool2d(x, 2, 2, "SAME"),
    "batch norm": lambda x: batch_norm(tf.nn.relu(x)),
}


@pytest.mark.parametrize("compute", CASES.values(), ids=CASES)
def test_layers(tmp_path, compute):
    model = convert(compute, IMAGES, tmp_path, [None, 9, 8, 4])
    assert kinds(model).count("Transpose") == 2


@pytest.mark.parametrize("rate", [2, 3, 4])
@pytest.mark.parametrize(
    "convolve",
    [conv, lambda x, **how: depthwise(x, strides=[1, 1, 1, 1], **how)],
    ids=["convolution", "depthwise"],
)
def test_dilated_convolutions_are_one_operation(tmp_path, rate, convolve):
    def build(images: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(batch_norm(atrous(images, convolve, rate)))

    model = convert(build, IMAGES, tmp_path, [None, 9, 8, 4])
    assert sorted(set(kinds(model))) == ["Conv", "Identity", "Relu", "Transpose"]
    (node,) = (each for each in model.graph.node if each.op_type == "Conv")
    attributes = {each.name: list(each.ints) for each in node.attribute}
    assert attributes["dilations"] == [rate, rate]
    assert attributes["pads"] == [rate] * 4


def test_what_onnx_lacks_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"MaxPool pool cannot be written .* input is not known"):
        convert(
            lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME", name="pool"),
            IMAGES,
            tmp_path,
            [None, None, None, 4],
        )
    with pytest.raises(ValueError, match=r"Conv2D .* its input 1 is not constant"):
        convert(
            lambda x: tf.nn.conv2d(x, tf.reshape(x[:1, :3, :3], [3, 3, 4, 1]), 1, "SAME"),
            IMAGES,
            tmp_path,
        )
