"""How fast something goes, measured while it goes."""

# Seconds of an item before any has been measured; and how much a new figure counts.
_FIRST_SECONDS = 0.1
_SMOOTHING = 0.2


class Pace:
    """Seconds that an item takes, as of late.

    They are those of the clock, so that what else runs meanwhile counts, too.

    Attributes:
      seconds: of an item.
      fastest: the fewest seconds that an item has ever taken; 0 before any has been measured.
    """

    def __init__(self) -> None:
        self.seconds = _FIRST_SECONDS
        self.fastest = 0.0

    def with_share(self, share: int) -> float:
        """Returns the seconds of an item that has one of so many shares of the time."""
        return max(self.seconds, share * self.fastest)

    def note(self, num_items: int, seconds: float) -> None:
        """Takes note of the seconds in which items have been done."""
        each = seconds / num_items
        self.seconds += _SMOOTHING * (each - self.seconds)
        self.fastest = min(self.fastest or each, each)
