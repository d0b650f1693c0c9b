"""An export with a network of one operation, which TensorFlow has and other engines lack."""

import json
import pathlib

import tensorflow.compat.v1 as tf

from serving import contract

METADATA = {
    "class_names": ["ground", "disc", "ring"],
    "crop_size": [49, 65],
    "mean_pixel": [127.5] * 3,
}


def write(folder: pathlib.Path, **changes: object) -> str:
    """Writes it and returns the path of the `.pb`; `changes` are of its description."""
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.uint8, [None, None, None, 3], name=contract.INPUT)
        network = tf.identity(tf.cast(images, tf.float32), contract.NETWORK_IMAGE)
        logits = tf.identity(tf.math.lgamma(network / 16.0 + 3.0), contract.LOGITS)
        tf.argmax(logits, axis=3, output_type=tf.int32, name=contract.PREDICTIONS)
        tf.nn.softmax(logits, name=contract.PROBABILITIES)
    graph_def = graph.as_graph_def()
    placeholder = next(node for node in graph_def.node if node.name == contract.INPUT)
    placeholder.attr["_metadata"].s = json.dumps({**METADATA, **changes}).encode()
    folder.mkdir(exist_ok=True)
    path = folder / "frozen_inference_graph.pb"
    path.write_bytes(graph_def.SerializeToString())
    return str(path)
