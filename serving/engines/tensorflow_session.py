"""Graphs and sessions of TensorFlow as engines use them."""

import re

import tensorflow.compat.v1 as tf

from common.texts import printable
from serving import graph_screening


def load_graph(graph_def: tf.GraphDef, path: str) -> tf.Graph:
    """Loads a graph into TensorFlow.

    Args:
      graph_def: the graph; that it may be run is known (`graph_screening.check_operations`).
      path: its file, for errors.

    Raises:
      ValueError: TensorFlow does not take it, or it would take more memory than there is.
    """
    with tf.Graph().as_default() as graph:
        try:
            tf.import_graph_def(graph_def, name="")
        except Exception as error:  # What TensorFlow raises on mangled graphs has many types.
            raise ValueError(
                f"{path} cannot be loaded by TensorFlow {tf.version.VERSION}: {first_line(error)}"
            ) from None
    graph_screening.check_sizes(graph, path)
    return graph


def session_for(graph: tf.Graph, num_threads: int | None) -> tf.Session:
    """Returns a session that shares GPUs with others.

    Args:
      graph: what it runs.
      num_threads: CPU threads an operation may use; None for all cores.
    """
    config = tf.ConfigProto(
        allow_soft_placement=True, intra_op_parallelism_threads=num_threads or 0
    )
    config.gpu_options.allow_growth = True
    return tf.Session(graph=graph, config=config)


def reason(error: tf.errors.OpError) -> str:
    """Returns what an assertion in the graph says, or the error's own words."""
    assertion = re.search(r"assertion failed: (.*)", error.message)
    if assertion:
        return re.sub(r"\] \[|^\[|\]$", " ", assertion[1]).strip()
    return first_line(error)


def first_line(error: Exception) -> str:
    """Returns what an error says first: TensorFlow's messages may go on with a stack trace."""
    lines = str(getattr(error, "message", None) or error).splitlines()
    return printable(lines[0]) if lines else type(error).__name__
