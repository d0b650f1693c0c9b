"""Contender: a TensorFlow session on a frozen graph, as research/deeplab's demonstration
has it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from scripts.benchmarks import prediction


def load(parameters: Mapping[str, Any], images: np.ndarray) -> prediction.Predict:
    with open(parameters["model"], "rb") as file:
        graph_def = tf.GraphDef.FromString(file.read())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    session = tf.Session(graph=graph)
    output = f"{parameters['output']}:0"
    return lambda: session.run(output, {"ImageTensor:0": images})


if __name__ == "__main__":
    prediction.serve(load, {"TensorFlow": tf.version.VERSION})
