"""How fast something goes, measured while it goes."""

import collections
import time

# Seconds of an item before any has been measured; and how much a new figure counts.
_FIRST_SECONDS = 0.1
_SMOOTHING = 0.2
# What was measured longer ago says nothing: other programs, or requests, may have been in the way.
_MAX_AGE_SECS = 60.0
_NUM_RECENT = 32


class Pace:
    """Seconds that an item takes, as of late.

    They are those of the clock, so that what else runs meanwhile counts, too.

    Attributes:
      seconds: of an item.
    """

    def __init__(self) -> None:
        self.seconds = _FIRST_SECONDS
        self._recent: collections.deque[float] = collections.deque(maxlen=_NUM_RECENT)
        self._noted = 0.0

    def note(self, num_items: int, seconds: float) -> None:
        """Takes note of the seconds in which items have been done."""
        each = seconds / num_items
        self.seconds += _SMOOTHING * (each - self.seconds)
        self._recent.append(each)
        self._noted = time.monotonic()

    @property
    def fastest(self) -> float:
        """The fewest seconds that an item has taken of late; 0 where nothing is known."""
        is_old = time.monotonic() - self._noted > _MAX_AGE_SECS
        return 0.0 if is_old or not self._recent else min(self._recent)

    def with_share(self, share: int) -> float:
        """Returns the seconds of an item that has one of so many shares of the time."""
        return max(self.seconds, share * self.fastest)
