"""Ctrl-C and SIGTERM: the first asks a process to end when it can, the second ends it at once."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether this process was asked to end, and by which signal (`signal_number`)."""

    def __init__(self) -> None:
        self.signal_number = 0

    def __bool__(self) -> bool:
        return self.signal_number != 0

    @property
    def exit_status(self) -> int:
        """Exit status by the shell's convention: 128 + the signal, 0 without one."""
        return 128 + self.signal_number if self else 0

    @property
    def signal_name(self) -> str:
        return signal.Signals(self.signal_number).name

    @contextlib.contextmanager
    def listening(self, on_signal: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Takes the signals over within the block; `on_signal` is called at the first one.

        After it the system's own handling is back, since Python's would wait for the end of a
        step that may hang.
        """

        def handle(number: int, frame: FrameType | None) -> None:
            self.signal_number = number
            for each in _SIGNALS:
                signal.signal(each, signal.SIG_DFL)
            with contextlib.suppress(RuntimeError):  # the signal came in the middle of a print
                on_signal()

        if threading.current_thread() is not threading.main_thread():
            yield  # Python takes signals in its main thread only.
            return
        before = {number: signal.signal(number, handle) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
