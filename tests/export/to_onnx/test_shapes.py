"""Joints, shapes and sizes: the same values in ONNX Runtime."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.support.onnx_runs import conv, convert, kinds, random

IMAGES = random(2, 6, 5, 3)
FREE = [None, None, None, 3]


def mirrored(images: tf.Tensor) -> tf.Tensor:
    return tf.pad(images, [[0, 0], [1, 2], [2, 1], [0, 0]], mode="REFLECT")


CASES = {
    "broadcast": lambda x: tf.broadcast_to(tf.constant([1.0, 2.0, 3.0]), tf.shape(x)) * x,
    "concat": lambda x: tf.concat([x, x * 2.0], axis=-1),
    "concat of no rows": lambda x: tf.concat([x, x[:, :0]], axis=1),
    "expand": lambda x: tf.expand_dims(x, -2),
    "fill": lambda x: x + tf.fill(tf.shape(x)[1:4], 2.5),
    "gather": lambda x: tf.gather(x, [2, 0, 0], axis=2),
    "pack": lambda x: tf.stack([x, x * 2.0], axis=1),
    "pad": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 3], [1, 0]]),
    "pad with a value": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 0], [0, 0]], constant_values=7.0),
    "reflect": mirrored,
    "reshape": lambda x: tf.reshape(x, [-1, 10, 3]),
    "reshape to a size": lambda x: tf.reshape(x, tf.stack([tf.shape(x)[0], tf.size(x[0])])),
    "shape": lambda x: tf.shape(x) * 2,
    "shape in int64": lambda x: tf.shape(x, out_type=tf.int64),
    "split": lambda x: tf.split(x, 3, axis=-1)[1],
    "split by sizes": lambda x: tf.split(x, [1, 2], axis=3)[1],
    "squeeze": lambda x: tf.squeeze(tf.reduce_mean(x, [1, 2], keepdims=True), [1, 2]),
    "squeeze of one": lambda x: tf.squeeze(x[:, :1], [1]),
    "tile": lambda x: tf.tile(x, [1, 2, 1, 3]),
    "transpose": lambda x: tf.transpose(x, [0, 3, 1, 2]),
    "range": lambda x: tf.range(tf.shape(x)[1]) + 1,
    "unpack": lambda x: tf.unstack(x, 3, axis=-1)[2],
}


@pytest.mark.parametrize("compute", CASES.values(), ids=CASES)
@pytest.mark.parametrize("shape", [FREE, None], ids=["free", "fixed"])
def test_alone(tmp_path, compute, shape):
    convert(compute, IMAGES, tmp_path, shape)


@pytest.mark.parametrize("compute", CASES.values(), ids=CASES)
def test_behind_a_convolution(tmp_path, compute):
    convert(lambda x: compute(conv(x, 3) * 0.1), IMAGES, tmp_path, [None, 6, 5, 3])


@pytest.mark.parametrize("name", ["concat", "pad", "pad with a value", "reflect", "split"])
def test_images_stay_in_their_layout(tmp_path, name):
    model = convert(lambda x: conv(CASES[name](conv(x, 3) * 0.1)), IMAGES, tmp_path)
    assert kinds(model).count("Transpose") == 2


def test_what_onnx_lacks_is_named(tmp_path):
    with pytest.raises(ValueError, match="GatherV2 of_rows cannot be written as ONNX: it has batc"):
        convert(lambda x: tf.gather(x, [[0], [1]], batch_dims=1, name="of_rows"), IMAGES, tmp_path)
    with pytest.raises(ValueError, match=r"its input 1 is not constant"):
        convert(
            lambda x: tf.transpose(x, tf.shape(x) - 3),
            np.zeros(3, np.float32),
            tmp_path,
            [None],
        )
