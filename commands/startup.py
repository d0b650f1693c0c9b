"""What a command does before it loads anything.

Ctrl-C while it loads is one line and status 130, as later on. Loading takes seconds, in which
Python would print a traceback, or a library would take the interrupt for an error of its own, or
for nothing.

Standard streams that are closed lead to nowhere. Otherwise the next file that is opened takes their
place, and what is printed goes into it.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

EXIT_STATUS = 128 + signal.SIGINT


_stderr = -1  # A descriptor that stays open while TensorFlow is imported with descriptor 2 closed.


def prepare() -> None:
    """Opens closed streams, and has Ctrl-C end the process in one line from now on."""
    global _stderr
    if _stderr >= 0:
        return
    _open_closed_streams()
    _stderr = os.dup(2)
    sys.excepthook = _on_exception
    sys.unraisablehook = _on_unraisable


def _open_closed_streams() -> None:
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # The lowest descriptor that is free, which is that of the stream.
            nowhere = os.open(os.devnull, os.O_RDWR)
            stream = open(nowhere, "w" if descriptor else "r", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def _end() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    with contextlib.suppress(OSError):
        os.write(_stderr, b"interrupted\n")
    os._exit(EXIT_STATUS)


def _on_exception(kind: type[BaseException], *rest) -> None:
    if issubclass(kind, KeyboardInterrupt):
        _end()
    sys.__excepthook__(kind, *rest)


def _on_unraisable(unraisable) -> None:
    # Such as one in a callback of an import, or in the threads' end.
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        _end()
    sys.__unraisablehook__(unraisable)


@contextlib.contextmanager
def ending_at_once() -> Iterator[None]:
    """Ends the process at Ctrl-C within a block, whatever code runs there.

    Modules in C++ turn a KeyboardInterrupt that is raised while they are imported into an
    ImportError.
    """
    # Started with `&` by a script, the process ignores Ctrl-C.
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: _end())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
