"""Sessions that run a graph as it was built.

TensorFlow rewrites a graph before its first run, which takes many times as long as running a
network of a test's size. What networks compute does not depend on it. Tests that go whole ways,
from data to masks and classes, and those of what runs exports leave it on.
"""

import contextlib
import functools
from collections.abc import Iterator

import tensorflow.compat.v1 as tf

_leaves_as_built = True


def leave_graphs_as_built() -> None:
    """Lets the sessions that this process opens from here on run graphs as they were built."""
    init = tf.Session.__init__

    @functools.wraps(init)
    def init_without_optimizer(self, target="", graph=None, config=None):
        changed = tf.ConfigProto()
        changed.CopyFrom(config or changed)
        changed.graph_options.rewrite_options.disable_meta_optimizer = _leaves_as_built
        init(self, target, graph, changed)

    tf.Session.__init__ = init_without_optimizer


@contextlib.contextmanager
def optimized() -> Iterator[None]:
    """Lets sessions that are opened inside rewrite graphs, as they do for users."""
    global _leaves_as_built
    _leaves_as_built = False
    try:
        yield
    finally:
        _leaves_as_built = True


def unoptimized() -> tf.Session:
    """Returns a session that runs a graph as it was built."""
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return tf.Session(config=config)
