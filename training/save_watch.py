"""Tells a worker when nobody saves any more."""

import time
from collections.abc import Callable


class SaveWatch:
    """Watches the step of the last checkpoint, which only the chief moves.

    Args:
      interval_secs: time between checkpoints, as the chief keeps it; 0 for none before the end.
      clock, wall_clock: return seconds, and the time of day for the user.
    """

    def __init__(
        self,
        interval_secs: float,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], str] = lambda: time.strftime("%H:%M:%S"),
    ):
        self._interval_secs = interval_secs
        self._clock = clock
        self._wall_clock = wall_clock
        self._saved_step: int | None = None
        self._since = (clock(), wall_clock())
        self._has_warned = False

    def look(self, saved_step: int, step: int) -> str | None:
        """Returns what the user should know: once when two intervals have gone by without a
        checkpoint, and once when they are saved again.

        Args:
          saved_step: step of the last checkpoint; -1 if nothing was saved so far.
          step: steps done.
        """
        if not self._interval_secs:
            return None
        now = self._clock()
        if saved_step != self._saved_step:
            has_warned = self._has_warned
            self._saved_step, self._has_warned = saved_step, False
            self._since = (now, self._wall_clock())
            return f"checkpoints are saved again: step {saved_step}" if has_warned else None
        if self._has_warned or now - self._since[0] < 2 * self._interval_secs:
            return None
        self._has_warned = True
        last = f"since step {saved_step}" if saved_step >= 0 else "so far"
        return (
            f"warning: no checkpoint was saved {last}, for two save intervals (since "
            f"{self._since[1]}; it is step {step} now): the chief, worker 0, seems to have ended. "
            "Start it again with the same command; it goes on from what the parameter servers hold."
        )
