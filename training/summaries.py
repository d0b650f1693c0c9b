"""Writes what TensorBoard shows.

TensorFlow's own writer works in a thread of its own, so that a full disk shows up there as a
traceback and in the training much later, or never. This one writes at once.
"""

import contextlib
import os
import socket
import time
from collections.abc import Mapping

import tensorflow.compat.v1 as tf

# TensorFlow raises some statuses as Python's own exceptions: a file that may not grow any more is
# an IndexError.
_WRITE_ERRORS = (tf.errors.OpError, IndexError, RuntimeError)


class SummaryWriter:
    """An event file: TFRecords of `tf.Event`.

    Args:
      directory: where the file goes.
      graph: is written into it first.

    Raises:
      OSError: the file cannot be written.
    """

    def __init__(self, directory: str, graph: tf.Graph):
        self._directory = directory
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}"
        with self._explaining():
            self._writer = tf.io.TFRecordWriter(os.path.join(directory, name))
        self._write(file_version="brain.Event:2")
        self._write(graph_def=graph.as_graph_def(add_shapes=True).SerializeToString())

    def add_serialized(self, summary: bytes, step: int) -> None:
        """Writes a summary that a session has computed.

        Raises:
          OSError: it cannot be written.
        """
        self._write(summary=tf.Summary.FromString(summary), step=step)

    def add_scalars(self, scalars: Mapping[str, float], step: int) -> None:
        """Writes numbers by their tags.

        Raises:
          OSError: they cannot be written.
        """
        values = [tf.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._write(summary=tf.Summary(value=values), step=step)

    def close(self) -> None:
        """Closes the file. All has been written before."""
        with contextlib.suppress(*_WRITE_ERRORS):
            self._writer.close()

    def _write(self, **content) -> None:
        event = tf.Event(wall_time=time.time(), **content)
        with self._explaining():
            self._writer.write(event.SerializeToString())
            self._writer.flush()

    @contextlib.contextmanager
    def _explaining(self):
        try:
            yield
        except _WRITE_ERRORS as error:
            raise OSError(
                f"summaries in {self._directory} cannot be written ({error}). Is the disk full?"
            ) from error
