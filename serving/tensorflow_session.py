"""Loads graphs into TensorFlow, makes sessions, and puts TensorFlow's errors in a line."""

import re

import tensorflow.compat.v1 as tf
from google.protobuf.message import DecodeError

from common import tf_errors
from common.texts import first_line, printable
from serving import graph_screening


def parse_graph(content: bytes, name: str, trust: bool) -> tf.GraphDef:
    """Parses a frozen graph and screens it, without running any of it.

    The devices that its nodes name are those of another machine, and are dropped.

    Args:
      content: the graph as it is stored.
      name: its file, printable, for errors.
      trust: whether it may have operations that read and write files or run programs.

    Raises:
      ValueError: it is damaged or not to be trusted.
    """
    try:
        graph_def = tf.GraphDef.FromString(content)
    except DecodeError:
        raise ValueError(
            f"{name} is truncated or not a frozen TensorFlow graph; copy it again, or name the .pb "
            "file that export_model.py wrote."
        ) from None
    if not trust:
        graph_screening.check_operations(graph_def, name)
    graph_screening.check_constants(graph_def, name)
    for node in graph_screening.nodes(graph_def):
        node.device = ""
    return graph_def


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
