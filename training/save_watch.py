"""Tells a worker when nobody saves any more."""

import time


class SaveWatch:
    """Watches the step of the last checkpoint, which only the chief moves.

    Args:
      interval_secs: time between checkpoints, as the chief keeps it; 0 for none before the end.
    """

    def __init__(self, interval_secs: float):
        self._interval_secs = interval_secs
        self._saved_step: int | None = None
        self._since = (time.monotonic(), time.strftime("%H:%M:%S"))
        self._has_warned = False

    def look(self, saved_step: int, step: int) -> str | None:
        """Returns what the user should know of missing checkpoints.

        That is something once when two intervals have gone by without a checkpoint, and once when
        they are saved again. `saved_step` is that of the last checkpoint, -1 before the first.
        """
        if not self._interval_secs:
            return None
        now = time.monotonic()
        if saved_step != self._saved_step:
            has_warned = self._has_warned
            self._saved_step, self._has_warned = saved_step, False
            self._since = (now, time.strftime("%H:%M:%S"))
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
