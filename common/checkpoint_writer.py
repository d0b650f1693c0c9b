"""Writes values that are in memory as a checkpoint."""

from collections.abc import Mapping

import numpy as np
import tensorflow.compat.v1 as tf


class Writer:
    """Writes checkpoints of the same variables again and again, and prepares for that once.

    `tf.train.Saver` instead adds operations to the graph of the variables, some for each, whether
    it ever saves them or not.

    Args:
      types: type of each variable by its name.
    """

    def __init__(self, types: Mapping[str, tf.DType]):
        graph = tf.Graph()
        with graph.as_default():
            # Fed, since a graph cannot hold more than 2 GiB.
            self._tensors = {name: tf.placeholder(each) for name, each in types.items()}
            self._prefix = tf.placeholder(tf.string, [])
            self._save = tf.raw_ops.SaveV2(
                prefix=self._prefix,
                tensor_names=list(self._tensors),
                shape_and_slices=[""] * len(self._tensors),
                tensors=list(self._tensors.values()),
            )
        self._session = tf.Session(graph=graph, config=tf.ConfigProto(device_count={"GPU": 0}))

    def write(self, prefix: str, values: Mapping[str, np.ndarray | np.generic]) -> None:
        """Writes a checkpoint: its data under a temporary name, then its index.

        Args:
          prefix: of the checkpoint, in an existing folder.
          values: of all variables by their names.

        Raises:
          tf.errors.OpError, IndexError, RuntimeError: it cannot be written.
        """
        fed = {tensor: values[name] for name, tensor in self._tensors.items()}
        self._session.run(self._save, {self._prefix: prefix, **fed})
