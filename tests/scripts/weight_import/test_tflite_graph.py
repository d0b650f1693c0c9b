"""TFLite files as graphs: operators, constants brought back to scale, and runs."""

import pathlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from scripts.weight_import.tflite_graph import TFLiteGraph

SIZE = (6, 8)
KERNEL = np.random.RandomState(0).uniform(-1, 1, [3, 3, 3, 5]).astype(np.float32)
BIAS = np.linspace(-1, 1, 5).astype(np.float32)
IMAGE = np.random.RandomState(1).uniform(0, 255, [*SIZE, 3]).astype(np.float32)


def write(path: pathlib.Path, build, shape=(1, *SIZE, 3), is_int8: bool = False) -> str:
    """Converts what a function builds on a placeholder."""
    with tf.Graph().as_default(), tf.Session() as session:
        image = tf.placeholder(tf.float32, shape)
        outputs = build(image)
        converter = tf.lite.TFLiteConverter.from_session(session, [image], [outputs])
        if is_int8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([IMAGE[None] / 127.5 - 1] for _ in "1")
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.uint8
        path.write_bytes(converter.convert())
    return str(path)


def scores(image: tf.Tensor) -> tf.Tensor:
    net = tf.nn.bias_add(tf.nn.conv2d(image, KERNEL, 1, "SAME"), BIAS)
    return tf.identity(net, "scores")


def labels(image: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.argmax(tf.nn.softmax(scores(image)), axis=3), tf.int32)


def expected_scores(normalized: np.ndarray) -> np.ndarray:
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(scores(tf.constant(normalized[None])))[0]


@pytest.fixture(scope="module")
def float_graph(tmp_path_factory) -> TFLiteGraph:
    return TFLiteGraph(write(tmp_path_factory.mktemp("float") / "graph.tflite", labels))


@pytest.fixture(scope="module")
def int8_graph(tmp_path_factory) -> TFLiteGraph:
    path = tmp_path_factory.mktemp("int8") / "graph.tflite"
    return TFLiteGraph(write(path, scores, is_int8=True))


def convolution(graph: TFLiteGraph):
    (operator,) = [each for each in graph.operators if each.kind == "CONV_2D"]
    return operator


def test_scores_are_what_the_output_is_made_of(float_graph):
    assert float_graph.crop_size == SIZE
    assert float_graph.num_classes == 5
    kinds = [operator.kind for operator in float_graph.operators]
    assert kinds[0] == "CONV_2D"
    assert "ARG_MAX" in kinds
    operator = convolution(float_graph)
    assert float_graph.producers[operator.outputs[0]] == operator
    assert operator.options.strideH == 1


def test_constants_are_kernels_and_biases_and_nothing_else(float_graph):
    operator = convolution(float_graph)
    image, kernel, bias = operator.inputs
    np.testing.assert_allclose(float_graph.constant(kernel), KERNEL.transpose(3, 0, 1, 2))
    np.testing.assert_allclose(float_graph.constant(bias), BIAS, atol=1e-6)
    assert float_graph.constant(image) is None
    assert float_graph.constant(operator.outputs[0]) is None
    assert float_graph.constant(-1) is None
    assert not float_graph.is_quantized(kernel)


def test_an_image_is_normalized_where_nothing_in_the_file_does_it(float_graph, tmp_path):
    normalized = IMAGE / 127.5 - 1
    seen, found = float_graph.run(IMAGE)
    np.testing.assert_allclose(seen, normalized, atol=1e-6)
    np.testing.assert_allclose(found, expected_scores(normalized), atol=1e-4)
    inside = write(tmp_path / "inside.tflite", lambda image: labels(image * 0.02 - 2.0))
    seen, found = TFLiteGraph(inside).run(IMAGE)
    np.testing.assert_allclose(seen, IMAGE * 0.02 - 2.0, atol=1e-5)
    np.testing.assert_allclose(found, expected_scores(IMAGE * np.float32(0.02) - 2), atol=1e-4)


def test_integers_are_brought_back_to_scale(int8_graph):
    operator = convolution(int8_graph)
    kernel = operator.inputs[1]
    assert int8_graph.is_quantized(kernel)
    # Each output channel has its own scale, of 1/127 of its largest weight.
    found, original = int8_graph.constant(kernel), KERNEL.transpose(3, 0, 1, 2)
    assert found.dtype == np.float32
    steps = np.abs(original).max(axis=(1, 2, 3), keepdims=True) / 127
    assert (np.abs(found - original) <= 0.51 * steps).all()
    assert np.abs(found - original).max() > 0
    seen, scores = int8_graph.run(IMAGE)
    np.testing.assert_allclose(seen, IMAGE / 127.5 - 1, atol=0.02)
    expected = expected_scores(IMAGE / 127.5 - 1)
    assert np.abs(scores - expected).max() < 0.03 * np.ptp(expected)


@pytest.mark.parametrize(
    ("build", "shape", "message"),
    [
        (lambda x: tf.reduce_mean(scores(x), axis=[1, 2]), (1, 6, 8, 3), "no output is made of cl"),
        (lambda x: scores(x)[..., :1] * 2.0, (1, 6, 8, 3), "no output is made of class scores"),
        (
            lambda x: tf.nn.conv2d(x, KERNEL[:, :, :1], 1, "SAME"),
            (1, 6, 8, 1),
            r"takes 1 inputs, the first \[1, 6, 8, 1\]; expected one image",
        ),
    ],
)
def test_other_networks_are_refused(tmp_path, build, shape, message):
    path = write(tmp_path / "other.tflite", build, shape)
    with pytest.raises(ValueError, match=rf"other\.tflite .*{message}"):
        TFLiteGraph(path)


def test_a_file_that_is_no_graph_is_one_line(tmp_path):
    path = tmp_path / "text.tflite"
    path.write_bytes(b"not a graph, but as long as the head of one" * 4)
    with pytest.raises(ValueError, match=r"text\.tflite is damaged or not a TFLite file: ") as e:
        TFLiteGraph(str(path))
    assert "\n" not in str(e.value)
