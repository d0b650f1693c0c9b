"""Parts of tensors: the same values in ONNX Runtime."""

import pytest
import tensorflow.compat.v1 as tf

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.support.onnx_runs import conv, convert, kinds, random

IMAGES = random(2, 6, 5, 3)


def half(images: tf.Tensor) -> tf.Tensor:
    return tf.shape(images)[1] // 2


CASES = {
    "first rows": lambda x: x[:, :2],
    "last rows": lambda x: x[:, -2:],
    "all but the last": lambda x: x[:, :-1, 1:],
    "a row": lambda x: x[:, 3],
    "the last row": lambda x: x[:, -1],
    "a row of unknown number": lambda x: x[:, half(x)],
    "up to an unknown row": lambda x: x[:, : half(x), : half(x)],
    "from an unknown row": lambda x: x[:, half(x) :],
    "the last columns of all": lambda x: x[..., -2:, :],
    "a channel of all": lambda x: x[..., 1],
    "a new axis": lambda x: x[:, tf.newaxis, 2:],
    "a new axis behind all": lambda x: x[..., tf.newaxis],
    "a row and a new axis": lambda x: x[:, 2, tf.newaxis, ::2],
    "every other row": lambda x: x[:, 1::2],
    "rows from below": lambda x: x[:, ::-1],
    "rows from below, some": lambda x: x[:, 4:1:-2],
    "no rows": lambda x: x[:, 3:3],
    "mirrored": lambda x: tf.reverse(x, axis=[2]),
    "mirrored twice": lambda x: tf.reverse(x, axis=[1, -2]),
    "slice": lambda x: tf.slice(x, [0, 1, 2, 0], [-1, 3, 2, -1]),
    "slice of unknown size": lambda x: tf.slice(
        x, tf.stack([0, half(x), 0, 0]), tf.stack([-1, half(x), -1, 2])
    ),
    "sides": lambda x: tf.stack([tf.shape(x)[1], tf.shape(x)[-1]]),
}


@pytest.mark.parametrize("compute", CASES.values(), ids=CASES)
@pytest.mark.parametrize("shape", [[None, None, None, 3], None], ids=["free", "fixed"])
def test_alone(tmp_path, compute, shape):
    convert(compute, IMAGES, tmp_path, shape)


@pytest.mark.parametrize("compute", CASES.values(), ids=CASES)
def test_behind_a_convolution(tmp_path, compute):
    convert(lambda x: compute(conv(x, 3) * 0.1), IMAGES, tmp_path, [None, 6, 5, 3])


@pytest.mark.parametrize("name", ["first rows", "all but the last", "every other row", "mirrored"])
def test_images_stay_in_their_layout(tmp_path, name):
    model = convert(lambda x: conv(CASES[name](conv(x, 3) * 0.1)), IMAGES, tmp_path)
    assert kinds(model).count("Transpose") == 2
