"""Sessions for tests that run a graph once or twice."""

import tensorflow.compat.v1 as tf


def unoptimized() -> tf.Session:
    """Returns a session that runs a graph as it was built.

    TensorFlow rewrites a graph before its first run, which takes many times as long as running a
    network of a test's size. What networks compute does not depend on it; whole commands are
    tested with it.
    """
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return tf.Session(config=config)
