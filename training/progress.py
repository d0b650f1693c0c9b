"""How fast a training run goes, how long it will take, and how long it waits for its data."""

import time
from collections.abc import Callable

from common import texts

# A training run that waits a larger share of its time is bound by its input, not by its network.
_LONG_WAIT = 0.2
# Steps before that is said: the first ones wait for batches that are made ahead later on.
_STEPS_BEFORE_ADVICE = 10
# The first steps tell the time of all only roughly.
_TOLERATED_EXCESS = 1.25
# Steps after the first one by which the rest is estimated.
_STEPS_BEFORE_FORECAST = 2


class Progress:
    """Measures steps per second and formats the progress line.

    Args:
      num_steps: step at which the training run ends.
      images_per_step: images that all workers together see in a step of the global count.

    Attributes:
      measured: "images_per_sec" between the last two lines, and "data_wait", the share of that
        time, 0..1, in which the network waited for data; empty before there are two.
    """

    def __init__(
        self, num_steps: int, images_per_step: int, clock: Callable[[], float] = time.monotonic
    ):
        self.measured: dict[str, float] = {}
        self._num_steps = num_steps
        self._images_per_step = images_per_step
        self._clock = clock
        self._last: tuple[int, float] | None = None
        self._left_out_secs = 0.0
        self._waited_secs = 0.0
        self._total_steps = 0
        self._total_secs = self._total_waited_secs = 0.0
        self._has_advised = False
        self._started: tuple[int, float] | None = None
        self._has_forecast = self._has_overrun = False

    def start(self, step: int) -> None:
        """Starts the measurement after a step; the first one is slow and not to be counted."""
        self._last = (step, self._clock())
        self._started = self._started or self._last
        self._waited_secs = 0.0

    def leave_out(self, seconds: float) -> None:
        """Does not count some time that went to something else than steps.

        What is left is expected to take such time as often.
        """
        self._left_out_secs += seconds
        if self._last is not None:
            self._last = (self._last[0], self._last[1] + seconds)

    def add_wait(self, seconds: float) -> None:
        """Adds the time that a step waited for its batch."""
        self._waited_secs += seconds

    def forecast(self, step: int, hours: float | None) -> str | None:
        """Returns once, after the first steps, how long the rest will take; else None.

        Args:
          step: steps done.
          hours: that the training run was to take; a longer one is warned of.
        """
        if self._has_forecast or self._started is None:
            return None
        first_step, first_time = self._started
        steps = step - first_step
        if steps < _STEPS_BEFORE_FORECAST or step >= self._num_steps:
            return None
        self._has_forecast = True
        step_secs = (self._clock() - first_time - self._left_out_secs) / steps
        left = self._secs_left(step, step_secs)
        text = f"a step takes {step_secs:.2g} s, so there are about {texts.duration(left)} to go"
        if hours is None or left <= _TOLERATED_EXCESS * hours * 3600:
            return text
        self._has_overrun = True
        # What a step takes with its share of what is done between steps, such as validations.
        affordable = max(1, int(hours * 3600 * (self._num_steps - step) / left))
        return (
            f"warning: {text}, and hours is {hours:g}: end it, and take a smaller network, or "
            f"{affordable} steps."
        )

    def overrun(self, step: int, hours: float | None) -> str | None:
        """Returns once that a training run takes longer than it was to take; else None.

        Args:
          step: steps done.
          hours: that the training run was to take, from its first step on.
        """
        if hours is None or self._has_overrun or self._started is None:
            return None
        first_step, first_time = self._started
        steps = step - first_step
        if steps < _STEPS_BEFORE_ADVICE or step >= self._num_steps:
            return None
        done = self._clock() - first_time
        in_all = done * (self._num_steps - first_step) / steps
        if in_all <= _TOLERATED_EXCESS * hours * 3600:
            return None
        self._has_overrun = True
        return (
            f"warning: training will take about {texts.duration(in_all)} in all, and hours is "
            f"{hours:g}: steps take {done / steps:.2g} s with all that is done between them. Does "
            "something else use this machine?"
        )

    def _secs_left(self, step: int, step_secs: float) -> float:
        """Returns how long the rest takes, and what is left out of it if that goes on as before."""
        first_step = self._started[0] if self._started else step
        left_out = self._left_out_secs / (step - first_step) if step > first_step else 0.0
        return (self._num_steps - step) * (step_secs + left_out)

    def line(self, step: int, loss: float, learning_rate: float) -> str:
        """Measures since the last line and returns the new one, after a number of steps."""
        text = (
            f"step {step:>{len(str(self._num_steps))}}/{self._num_steps}  loss {loss:.4f}  "
            f"learning rate {learning_rate:.3g}"
        )
        last_step, last_time = self._last or (step, 0.0)
        steps, seconds = step - last_step, self._clock() - last_time
        if steps > 0 and seconds > 0:
            speed = self._images_per_step * steps / seconds
            data_wait = min(self._waited_secs / seconds, 1.0)
            self.measured = {"images_per_sec": speed, "data_wait": data_wait}
            self._total_steps += steps
            self._total_secs += seconds
            self._total_waited_secs += self._waited_secs
            left = texts.duration(self._secs_left(step, seconds / steps))
            text += f"  {speed:.1f} images/s  data {data_wait:.0%}  {left} left"
        self.start(step)
        return text

    def advice(self) -> str | None:
        """Returns once that a training run is bound by its input, and what helps; else None."""
        if self._has_advised or self._total_steps < _STEPS_BEFORE_ADVICE:
            return None
        share = min(self._total_waited_secs / self._total_secs, 1.0)
        if share <= _LONG_WAIT:
            return None
        self._has_advised = True
        return (
            f"training waits for its data {share:.0%} of the time: it is bound by its input. "
            "More CPU cores help, or records of smaller images; with a slow disk more memory, "
            "which keeps the records, or more shards."
        )
