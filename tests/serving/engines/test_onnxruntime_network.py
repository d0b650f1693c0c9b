"""The network of an export in ONNX Runtime: TensorFlow's logits, batches, damaged files."""

import pathlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from serving import export_file
from serving.engines import graph_parts
from serving.engines.onnxruntime_network import ONNXRuntimeNetwork
from tests.support import onnx_runs, random_network
from tests.support.tiny_export import CROP, OPTIONS


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[export_file.Export, str]:
    """An export of several scales and mirror images, and its ONNX file."""
    folder = tmp_path_factory.mktemp("export")
    path = random_network.write(folder, OPTIONS, CROP, scales=(0.75, 1.0), add_flipped=True)
    return export_file.read_export(path), onnx_runs.write(path)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_logits_are_tensorflows(exported, batch_size):
    export, path = exported
    inputs, outputs = export.network_inputs, export.network_outputs
    assert len(outputs) == 4
    network = ONNXRuntimeNetwork(inputs, outputs, path, num_threads=1)
    images = random_network.random_images(batch_size, *CROP).astype(np.float32)
    values = [images if name == "NetworkImage" else images[..., :1] - 99.0 for name in inputs]
    shapes = {name: value.shape[1:] for name, value in zip(inputs, values, strict=True)}
    content = graph_parts.network(export, shapes)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(tf.GraphDef.FromString(content), name="")
        feed = {f"{name}:0": value for name, value in zip(inputs, values, strict=True)}
        expected = session.run([f"{name}:0" for name in outputs], feed)
    feeds = [[value[index : index + 1] for value in values] for index in range(batch_size)]
    found = [np.concatenate(parts) for parts in zip(*network.run(feeds), strict=True)]
    assert len(found) == 4
    for logits, own in zip(expected, found, strict=True):
        assert own.shape == logits.shape
        np.testing.assert_allclose(own, logits, atol=1e-4)


@pytest.mark.parametrize("damage", ["truncated", "text", "other tensors"])
def test_a_damaged_file_is_named(tmp_path, exported, damage):
    export, path = exported
    content, outputs = pathlib.Path(path).read_bytes(), export.network_outputs
    if damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "text":
        content = b"no model"
    else:
        outputs = ["ClassLogits"]
    damaged = tmp_path / "model.onnx"
    damaged.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.onnx cannot be loaded by ONNX Runtime: it "):
        ONNXRuntimeNetwork(export.network_inputs, outputs, str(damaged), None)
