"""Loads graphs into TensorFlow, makes sessions, and puts TensorFlow's errors in a line."""

import re

import tensorflow.compat.v1 as tf

from common import tf_errors
from common.texts import printable
from serving import graph_screening


def load_graph(graph_def: tf.GraphDef, path: str) -> tf.Graph:
    """Loads a graph that `graph_screening.check_operations` has approved; `path` is for errors.

    Raises:
      ValueError: TensorFlow rejects it, or it would take more memory than there is.
    """
    with tf.Graph().as_default() as graph:
        try:
            tf.import_graph_def(graph_def, name="")
        except Exception as error:  # TensorFlow raises many types on mangled graphs.
            raise ValueError(
                f"{path} cannot be loaded by TensorFlow {tf.version.VERSION}: {first_line(error)}"
            ) from None
    graph_screening.check_sizes(graph, path)
    return graph


def session_for(graph: tf.Graph, num_threads: int | None = None) -> tf.Session:
    """Returns a session that leaves room for others on a GPU.

    An operation may use `num_threads` CPU threads; None for all cores.
    """
    config = tf.ConfigProto(
        allow_soft_placement=True, intra_op_parallelism_threads=num_threads or 0
    )
    config.gpu_options.allow_growth = True
    return tf.Session(graph=graph, config=config)


def reason(error: tf.errors.OpError) -> str:
    """Returns the message of an assertion in the graph, or else TensorFlow's own."""
    line = tf_errors.reason(error)
    _, failed, said = line.partition("assertion failed: ")
    return re.sub(r"\] \[|^\[|\]$", " ", said).strip() if failed else printable(line)


def first_line(error: Exception) -> str:
    """Returns the first line of an error: TensorFlow's messages may go on with a stack trace."""
    lines = str(getattr(error, "message", None) or error).splitlines()
    return printable(lines[0]) if lines else type(error).__name__
