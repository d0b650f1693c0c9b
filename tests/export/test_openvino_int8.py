"""Quantizing a model of OpenVINO after training: how its range of values is found."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from export import openvino_int8

openvino = pytest.importorskip("openvino")
pytest.importorskip("nncf")

SHAPE = (1, 8, 8, 3)


def write_network(path: str) -> None:
    """Writes a convolution that adds up neighbors, as a graph of TensorFlow."""
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, *SHAPE[1:]], name="image")
        kernel = tf.constant(np.full([3, 3, 3, 4], 1 / 27, np.float32))
        tf.identity(tf.nn.conv2d(images, kernel, 1, "SAME"), "sum")
    with open(path, "wb") as file:
        file.write(graph.as_graph_def().SerializeToString())


def run(core, model: "openvino.Model", image: np.ndarray) -> np.ndarray:
    return core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(image)[0]


def test_a_thorough_range_holds_the_rarest_values(tmp_path):
    """One of 20 examples has values of up to 50, the others of up to 1."""
    random = np.random.RandomState(0)
    examples = [random.rand(*SHAPE).astype(np.float32) for _ in range(20)]
    examples[7] *= 50
    write_network(str(tmp_path / "x.pb"))
    core = openvino.Core()
    plain = run(core, core.read_model(tmp_path / "x.pb"), examples[7])
    errors = {}
    for is_thorough in (False, True):
        path = str(tmp_path / "x_int8.xml")
        openvino_int8.quantize(
            core.read_model(tmp_path / "x.pb"),
            [{"image": example} for example in examples],
            path,
            is_thorough=is_thorough,
        )
        found = run(core, core.read_model(path), examples[7])
        errors[is_thorough] = float(np.abs(found - plain).max() / plain.max())
    assert errors[True] < 0.02
    assert errors[False] > 0.5


def test_without_examples_there_is_nothing_to_fit(tmp_path):
    write_network(str(tmp_path / "x.pb"))
    model = openvino.Core().read_model(tmp_path / "x.pb")
    with pytest.raises(ValueError, match="there are no calibration examples"):
        openvino_int8.quantize(model, [], str(tmp_path / "x_int8.xml"))
    assert not (tmp_path / "x_int8.xml").exists()
