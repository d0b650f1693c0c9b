"""Warnings as lines of a command's own."""

import sys
import warnings
from typing import Any


def print_as_notes(category: type[Warning]) -> None:
    """Has warnings of a category printed as "note: …", without a place in the code."""
    show_others = warnings.showwarning

    def show(message: Warning | str, kind: type[Warning], *place: Any, **where: Any) -> None:
        if issubclass(kind, category):
            print(f"note: {message}", file=sys.stderr)
        else:
            show_others(message, kind, *place, **where)

    warnings.showwarning = show  # type: ignore[assignment]
