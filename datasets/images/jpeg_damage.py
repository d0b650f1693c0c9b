"""Finds images that training cannot decode, and JPEGs that are damaged inside.

A JPEG that was damaged inside decodes all the same: libjpeg fills up with gray, and only prints a
line such as "Corrupt JPEG data: premature end of data segment" on the process's standard error.
Neither TensorFlow, OpenCV nor Pillow hands that line on. So standard error is redirected while a
dataset is checked, and an image during whose decoding it grew is decoded once more, by itself.

OpenCV reads JPEGs for this, in two thirds of TensorFlow's time. What TensorFlow refuses, OpenCV
refuses or complains of (of 4000 mangled files all 357), and TensorFlow is asked then.
"""

import contextlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar

import cv2
import numpy as np
import tensorflow.compat.v1 as tf

from datasets.images import image_graph

# What libjpeg prints on data that it has to guess; its other warnings, such as on the version in
# a head, say nothing about pixels.
_DAMAGE = re.compile(rb"(?m)^((?:Corrupt JPEG data|Premature end of JPEG)[^\r\n]*)\n?")
_STDERR = 2

_T = TypeVar("_T")


class DamageListener:
    """Tells whether training can decode files, and what libjpeg said; made by `listening`."""

    def __init__(self, can_decode: Callable[[bytes], bool], log: BinaryIO) -> None:
        self._can_decode = can_decode
        self._log = log
        self._alone = threading.Lock()

    def accepts(
        self, data: bytes, is_jpeg: bool, was_heard: bool | None = None
    ) -> tuple[bool, bool]:
        """Reads all of a JPEG or PNG file.

        Args:
          was_heard: what `hear` says of a JPEG that OpenCV has read already, and is not read again;
            None where it has not.

        Returns:
          (whether training can decode it, whether libjpeg complained meanwhile: perhaps of a file
          that another thread was reading, so ask `describe_damage` when they have ended).
        """
        if not is_jpeg:
            return self._can_decode(data), False
        is_read, is_suspect = True, was_heard
        if is_suspect is None:
            is_read, is_suspect = self.hear(lambda: _read_jpeg(data))
        if is_read and not is_suspect:
            return True, False
        return self._can_decode(data), is_suspect

    def hear(self, read: Callable[[], _T]) -> tuple[_T, bool]:
        """Calls a function, and returns its value and whether libjpeg complained meanwhile."""
        before = self._size()
        return read(), self._size() > before

    def describe_damage(self, data: bytes) -> str | None:
        """Reads a JPEG while no other is read, and returns what libjpeg says of its damage."""
        with self._alone:
            before = self._size()
            _read_jpeg(data)
            said = os.pread(self._log.fileno(), self._size() - before, before)
        match = _DAMAGE.search(said)
        return match[1].decode(errors="replace") if match else None

    def _size(self) -> int:
        return os.fstat(self._log.fileno()).st_size


def _read_jpeg(data: bytes) -> bool:
    """Reads all of a JPEG, and computes an eighth of its rows and columns."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8) is not None


@contextlib.contextmanager
def listening() -> Iterator[DamageListener]:
    """Redirects the process's standard error to where a listener reads it, while a block runs.

    What Python writes there still appears at once; what libraries print appears when the block has
    ended, without libjpeg's lines about damage, which do not name the file.
    """
    with (
        _training_decoder() as can_decode,
        tempfile.TemporaryFile() as log,
        contextlib.ExitStack() as stack,
    ):
        screen = os.dup(_STDERR)
        stack.callback(os.close, screen)
        stack.enter_context(_python_stderr_on(screen))
        os.dup2(log.fileno(), _STDERR)
        try:
            yield DamageListener(can_decode, log)
        finally:
            os.dup2(screen, _STDERR)
            log.seek(0)
            rest = _DAMAGE.sub(b"", log.read())
            if rest:
                with contextlib.suppress(OSError):
                    os.write(screen, rest)


@contextlib.contextmanager
def _training_decoder() -> Iterator[Callable[[bytes], bool]]:
    """Yields a function that tells, in any thread, whether training can decode a file."""
    # Kernels run in the calling threads; no GPU, which nothing here needs.
    config = tf.ConfigProto(
        device_count={"GPU": 0}, inter_op_parallelism_threads=-1, intra_op_parallelism_threads=1
    )
    graph = tf.Graph()
    with graph.as_default():
        contents = tf.placeholder(tf.string, [])
        image = image_graph.decode(contents)
    with contextlib.closing(tf.Session(graph=graph, config=config)) as session:
        decode = session.make_callable(image.op, [contents])

        def can_decode(data: bytes) -> bool:
            try:
                decode(data)
            except tf.errors.InvalidArgumentError:
                return False
            return True

        yield can_decode


@contextlib.contextmanager
def _python_stderr_on(descriptor: int) -> Iterator[None]:
    """Lets `sys.stderr` write to another descriptor, unless it is not the process's own."""
    try:
        is_real = sys.stderr.fileno() == _STDERR
    except (AttributeError, OSError, ValueError):  # None, or replaced by something in memory.
        is_real = False
    if not is_real:
        yield
        return
    sys.stderr.flush()
    with (
        os.fdopen(os.dup(descriptor), "w", buffering=1, errors="backslashreplace") as stderr,
        contextlib.redirect_stderr(stderr),
    ):
        yield
