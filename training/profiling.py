"""Traces some steps for TensorBoard's profiler: which operation takes how long, and when."""

import contextlib
from collections.abc import Iterator, Sequence

import tensorflow as tf


class StepProfiler:
    """Writes one trace, `plugins/profile/<time>/<host>.xplane.pb`.

    Its first and last step are counted from 1; None for no trace.
    """

    def __init__(self, logdir: str, steps: Sequence[int] | None):
        self._logdir = logdir
        self._steps = steps
        self._is_running = False

    @contextlib.contextmanager
    def step(self, number: int) -> Iterator[None]:
        """Surrounds the step of this number."""
        first, last = self._steps or (0, 0)
        if number == first:
            tf.profiler.experimental.start(self._logdir)
            self._is_running = True
        if not self._is_running:
            yield
            return
        with tf.profiler.experimental.Trace("train", step_num=number, _r=1):
            yield
        if number == last:
            self.close()

    def close(self) -> None:
        """Writes the trace if it is under way, be it short of its last step."""
        if self._is_running:
            self._is_running = False
            tf.profiler.experimental.stop()
