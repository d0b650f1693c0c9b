"""How fast a training goes, how long it will take, and how long it waits for its data."""

import time
from collections.abc import Callable

# A training that waits longer than this is bound by its input, not by its network.
_LONG_WAIT = 0.2

# Steps before that is said: the first ones wait for batches that are made ahead later on.
_STEPS_BEFORE_ADVICE = 10


class Progress:
    """Measures steps a second and words the progress line.

    Args:
      num_steps: step at which the training ends.
      images_per_step: images that all workers together see in a step of the global count.
      clock: returns seconds.

    Attributes:
      images_per_sec: speed between the last two lines; None before.
      data_wait: share of that time, 0..1, in which the network waited for data; None before.
    """

    def __init__(
        self, num_steps: int, images_per_step: int, clock: Callable[[], float] = time.monotonic
    ):
        self._num_steps = num_steps
        self._images_per_step = images_per_step
        self._clock = clock
        self._last: tuple[int, float] | None = None
        self._waited_secs = 0.0
        self._total_steps = 0
        self._total_secs = self._total_waited_secs = 0.0
        self._has_advised = False
        self.images_per_sec: float | None = None
        self.data_wait: float | None = None

    def start(self, step: int) -> None:
        """Starts the measurement after a step; the first one is slow and not to be counted."""
        self._last = (step, self._clock())
        self._waited_secs = 0.0

    def add_wait(self, seconds: float) -> None:
        """Adds the time that a step waited for its batch."""
        self._waited_secs += seconds

    def line(self, step: int, loss: float, learning_rate: float) -> str:
        """Measures since the last line and returns the new one.

        Args:
          step: steps done.
          loss: total loss of the last step.
          learning_rate: learning rate of the last step.
        """
        now = self._clock()
        width = len(str(self._num_steps))
        text = (
            f"step {step:>{width}}/{self._num_steps}  loss {loss:.4f}  "
            f"learning rate {learning_rate:.3g}"
        )
        if self._last is not None and step > self._last[0] and now > self._last[1]:
            steps_per_sec = (step - self._last[0]) / (now - self._last[1])
            self.images_per_sec = steps_per_sec * self._images_per_step
            seconds_left = (self._num_steps - step) / steps_per_sec
            self.data_wait = min(self._waited_secs / (now - self._last[1]), 1.0)
            self._total_steps += step - self._last[0]
            self._total_secs += now - self._last[1]
            self._total_waited_secs += self._waited_secs
            text += (
                f"  {self.images_per_sec:.1f} images/s  data {self.data_wait:.0%}  "
                f"{_duration(seconds_left)} left"
            )
        self._last = (step, now)
        self._waited_secs = 0.0
        return text

    def advice(self) -> str | None:
        """Says once that a training is bound by its input, and what helps; else returns None."""
        if self._has_advised or self._total_steps < _STEPS_BEFORE_ADVICE:
            return None
        share = min(self._total_waited_secs / self._total_secs, 1.0)
        if share <= _LONG_WAIT:
            return None
        self._has_advised = True
        return (
            f"the training waits for its data {share:.0%} of the time: it is bound by its input. "
            "More CPU cores help, or records of smaller images; with a slow disk more memory, "
            "which keeps the records, or more shards."
        )


def _duration(seconds: float) -> str:
    """Words a duration in its two largest units: '2 h 05 min', '3 min 20 s', '8 s'."""
    seconds = round(seconds)
    if seconds >= 24 * 3600:
        return f"{seconds // (24 * 3600)} d {seconds // 3600 % 24:02d} h"
    if seconds >= 3600:
        return f"{seconds // 3600} h {seconds // 60 % 60:02d} min"
    if seconds >= 60:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds} s"
