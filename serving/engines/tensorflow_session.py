"""Sessions of TensorFlow as engines use them."""

import re

import tensorflow.compat.v1 as tf


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
    return re.sub(r"\] \[|^\[|\]$", " ", assertion[1]).strip() if assertion else error.message
