"""Writes what TensorBoard shows.

TensorFlow's own writer works in a thread of its own, so that a full disk shows up there as a
traceback, and in the training run much later or never. This one writes at once.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow.compat.v1 as tf

from common import files, image_files
from common.texts import printable

# TensorFlow raises some statuses as Python's own exceptions: a file that may not grow any more is
# an IndexError.
_WRITE_ERRORS = (tf.errors.OpError, IndexError, RuntimeError)


def write_scalars(directory: str, scalars: Mapping[str, float], step: int) -> None:
    """Writes numbers of one step, by their tags, to an event file of their own.

    Args:
      directory: folder of the file; created if missing.

    Raises:
      OSError: the file cannot be written; the message names it. `tf.summary.FileWriter` does not
        raise.
    """
    values = [tf.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
    now = time.time()
    events = (
        tf.summary.Event(wall_time=now, file_version="brain.Event:2"),
        tf.summary.Event(wall_time=now, step=step, summary=tf.Summary(value=values)),
    )
    os.makedirs(directory, exist_ok=True)
    # TensorBoard reads the files of a folder in the order of their names.
    name = f"events.out.tfevents.{int(now):010d}.{socket.gethostname()}.{os.getpid()}"
    with files.replacing(os.path.join(directory, f"{name}.{step}")) as temporary:
        try:
            with tf.io.TFRecordWriter(temporary) as writer:
                for event in events:
                    writer.write(event.SerializeToString())
        except tf.errors.OpError as error:
            raise OSError(error.message.rpartition("; ")[2]) from error


class SummaryWriter:
    """An event file: TFRecords of `tf.Event`, first the graph. If it is removed, another is begun.

    It is begun with the first summary, since writing the graph would delay the first step. Every
    method raises OSError if the file cannot be written.
    """

    def __init__(self, directory: str, graph: tf.Graph, ensure_folder: Callable[[], None]):
        self._directory = directory
        self._graph = graph
        self._ensure_folder = ensure_folder
        self._path = ""
        self._writer: tf.io.TFRecordWriter | None = None

    def add_serialized(self, summary: bytes, step: int) -> None:
        """Writes a summary that a session has computed."""
        self._write(tf.Summary.FromString(summary), step)

    def add_scalars(self, scalars: Mapping[str, float], step: int) -> None:
        """Writes numbers by their tags."""
        values = [tf.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._write(tf.Summary(value=values), step)

    def add_image(self, tag: str, pixels: np.ndarray, step: int) -> None:
        """Writes an image, uint8 [height, width, 3], RGB."""
        height, width, channels = pixels.shape
        image = tf.Summary.Image(
            height=height,
            width=width,
            colorspace=channels,
            encoded_image_string=image_files.encode_png(pixels),
        )
        self._write(tf.Summary(value=[tf.Summary.Value(tag=tag, image=image)]), step)

    def close(self) -> None:
        """Closes the file. All has been written before."""
        with contextlib.suppress(*_WRITE_ERRORS):
            if self._writer:
                self._writer.close()

    def _open(self) -> tf.io.TFRecordWriter:
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}"
        self._path = os.path.join(self._directory, name)
        with self._explaining():
            writer = tf.io.TFRecordWriter(self._path)
        self._append(writer, file_version="brain.Event:2")
        graph = self._graph.as_graph_def(add_shapes=True).SerializeToString()
        self._append(writer, graph_def=graph)
        return writer

    def _write(self, summary: tf.Summary, step: int) -> None:
        if self._writer is None or not os.path.exists(self._path):
            self.close()
            self._ensure_folder()
            self._writer = self._open()
        self._append(self._writer, summary=summary, step=step)

    def _append(self, writer: tf.io.TFRecordWriter, **content: object) -> None:
        event = tf.Event(wall_time=time.time(), **content)
        with self._explaining():
            writer.write(event.SerializeToString())
            writer.flush()

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except _WRITE_ERRORS as error:
            raise OSError(
                f"summaries in {printable(self._directory)} cannot be written ({error}). "
                "Is the disk full?"
            ) from error
