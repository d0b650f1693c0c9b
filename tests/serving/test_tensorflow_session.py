"""Graphs that were made on other machines."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from serving.deeplab_model import DeepLabModel
from tests.support import toy_export


@pytest.mark.parametrize(
    "device", ["/job:worker/task:3/device:GPU:1", "/device:TPU:0", "no device"]
)
def test_devices_of_another_machine_do_not_matter(tmp_path, device):
    path = toy_export.write(tmp_path / "toy.pb")
    graph_def = tf.GraphDef.FromString(path.read_bytes())
    for node in graph_def.node:
        node.device = device
    path.write_bytes(graph_def.SerializeToString())
    image = toy_export.image(*toy_export.CROP)
    with DeepLabModel(str(path), "tensorflow") as model:
        np.testing.assert_array_equal(model.segment(image), image.argmax(axis=2))


def test_devices_in_functions_do_not_matter(tmp_path):
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)])
    def brightest(channels):
        with tf.device("/job:worker/task:3"):
            return tf.argmax(channels, axis=3, output_type=tf.int32)

    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.uint8, [None, None, None, 3], name="ImageTensor")
        tf.identity(brightest(tf.cast(images, tf.float32)), "SemanticPredictions")
        tf.identity(tf.cast(images, tf.float32), "SemanticProbabilities")
    graph_def = graph.as_graph_def()
    assert any(node.device for function in graph_def.library.function for node in function.node_def)
    path = tmp_path / "functions.pb"
    path.write_bytes(graph_def.SerializeToString())
    image = toy_export.image(9, 7)
    with DeepLabModel(str(path), "tensorflow") as model:
        np.testing.assert_array_equal(model.segment(image), image.argmax(axis=2))
