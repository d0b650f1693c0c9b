"""Graphs of TensorFlow against what is made of them for ONNX."""

import functools
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from commands import whole_graphs
from common import export_names
from export import onnx_file
from tests.support import sessions

INPUT, OUTPUT = "input", "output"


def session_of(path: str | pathlib.Path):
    """Returns a session of ONNX Runtime, quiet, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])


def convert(
    build: Callable[[tf.Tensor], tf.Tensor],
    value: np.ndarray,
    folder: pathlib.Path,
    shape: Sequence[int | None] | None = None,
    *,
    tolerance: float = 1e-5,
):
    """Builds a function of one tensor, writes it as ONNX, and compares both on a value.

    Args:
      build: builds the function in the default graph.
      value: what it is given.
      folder: for the file.
      shape: what the graph knows of the value's shape; None for all of it.
      tolerance: by how much floats may differ.

    Returns:
      The model, an `onnx.ModelProto`.
    """
    import onnx

    with tf.Graph().as_default(), sessions.unoptimized() as session:
        values = tf.placeholder(value.dtype, value.shape if shape is None else shape, name=INPUT)
        outputs = tf.identity(build(values), OUTPUT)
        expected = session.run(outputs, {values: value})
        graph_def = session.graph.as_graph_def()
    path = folder / "model.onnx"
    onnx_file.convert(graph_def, b"", INPUT, [OUTPUT], [], str(path))
    (found,) = session_of(path).run(None, {INPUT: value})
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    if np.issubdtype(expected.dtype, np.floating):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_array_equal(found, expected)
    return onnx.load(str(path))


def write(pb_path: str) -> str:
    """Writes the ONNX file of an export and returns its path."""
    whole_graphs.write_onnx(pb_path, pb_path)
    return export_names.beside(pb_path, export_names.ONNX_ENDING)


def kinds(model) -> list[str]:
    """Returns the operations of a model, in order."""
    return [node.op_type for node in model.graph.node]


def random(*shape: int, seed: int = 0, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    return np.random.RandomState(seed).uniform(low, high, shape).astype(np.float32)


@functools.cache
def kernel(inputs: int, outputs: int, side: int = 3) -> np.ndarray:
    return random(side, side, inputs, outputs, seed=1)


def conv(images: tf.Tensor, outputs: int = 4, **how) -> tf.Tensor:
    """Convolves images, SAME with stride 1 unless `how` says otherwise."""
    weights = tf.constant(kernel(images.shape.as_list()[3], outputs))
    return tf.nn.conv2d(images, weights, **{"strides": 1, "padding": "SAME", **how})
