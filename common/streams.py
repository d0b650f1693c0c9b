"""Standard streams of this process, as libraries in C++ see them."""

import contextlib
import os
from collections.abc import Iterator

_STDERR = 2


@contextlib.contextmanager
def silent_stderr() -> Iterator[None]:
    """Drops what is written to standard error meanwhile, by any thread and in any language."""
    try:
        kept = os.dup(_STDERR)
    except OSError:  # It is closed.
        yield
        return
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), _STDERR)
    try:
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
