"""The shapes that TensorFlow infers for a graph."""

import tensorflow.compat.v1 as tf

from export.graph.editor import GraphEditor


def infer(editor: GraphEditor) -> dict[str, tf.TensorShape]:
    """Returns the static shape of the first output of each node that has one."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(editor.to_graph_def(), name="")
        return {
            operation.name: operation.outputs[0].shape
            for operation in graph.get_operations()
            if operation.outputs
        }
