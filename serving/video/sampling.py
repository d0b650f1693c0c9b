"""Which frames of a video are taken, by time."""

import math


class Sampler:
    """Takes the frames nearest to points in time that are evenly spaced, each frame once.

    A video with fewer frames a second than wanted is taken as it is.

    Args:
      frames_per_second: how many are taken; None for all.
      source_rate: frames a second of the source.
    """

    def __init__(self, frames_per_second: float | None, source_rate: float):
        takes_all = frames_per_second is None or frames_per_second >= source_rate
        self._rate = None if takes_all else frames_per_second
        self._half_interval = 0.5 / source_rate
        self._next_secs = 0.0

    def takes(self, time_secs: float) -> bool:
        """Returns whether the frame at a time, later than those before, is taken."""
        if self._rate is None:
            return True
        reached = time_secs + self._half_interval
        if reached < self._next_secs:
            return False
        self._next_secs = (math.floor(reached * self._rate) + 1) / self._rate
        return True
