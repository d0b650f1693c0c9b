"""Pieces of messages that several rooms need."""

import math
from collections.abc import Iterable


def first_few(items: Iterable[object], limit: int = 5) -> str:
    """Names the first items of a list and counts the rest: "a, b and 3 more"."""
    items = list(items)
    named = ", ".join(printable(str(item)) for item in items[:limit])
    return f"{named} and {len(items) - limit} more" if len(items) > limit else named


def printable(text: str) -> str:
    r"""Returns text that is safe to print on a terminal, on one line.

    Control characters, which can move the cursor or change colors, and the bytes of file names that
    are not UTF-8 become escapes such as `\x1b`.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def shorten(text: str, limit: int = 600) -> str:
    """Returns text of at most `limit` characters: a longer one loses its middle."""
    if len(text) <= limit:
        return text
    num_last = limit // 3
    return f"{text[: limit - num_last - 3]} … {text[-num_last:]}"


def percent(share: float) -> str:
    """Returns a share as "12.34%"; "-" where it is not defined (NaN)."""
    return "-" if math.isnan(share) else f"{100 * share:.2f}%"


def first_line(error: Exception) -> str:
    """Returns the first line of an error: TensorFlow's messages may go on with a stack trace."""
    lines = str(getattr(error, "message", None) or error).splitlines()
    return printable(lines[0]) if lines else type(error).__name__


def duration(seconds: float) -> str:
    """Returns a duration in its two largest units: '2 h 05 min', '3 min 20 s', '8 s'."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours:02d} h"
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
