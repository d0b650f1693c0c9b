"""How fast a training goes and how long it will take."""

import time
from collections.abc import Callable


class Progress:
    """Measures steps a second and words the progress line.

    Args:
      num_steps: step at which the training ends.
      images_per_step: images that all workers together see in a step of the global count.
      clock: returns seconds.
    """

    def __init__(
        self, num_steps: int, images_per_step: int, clock: Callable[[], float] = time.monotonic
    ):
        self._num_steps = num_steps
        self._images_per_step = images_per_step
        self._clock = clock
        self._last: tuple[int, float] | None = None
        self.images_per_sec: float | None = None

    def start(self, step: int) -> None:
        """Starts the measurement after a step; the first one is slow and not to be counted."""
        self._last = (step, self._clock())

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
            text += f"  {self.images_per_sec:.1f} images/s  {_duration(seconds_left)} left"
        self._last = (step, now)
        return text


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
