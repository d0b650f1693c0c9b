"""Ctrl-C and SIGTERM: the first ends the training after its step, the second at once."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether and by which signal the training was asked to end.

    Attributes:
      signal_number: the first signal received, or None.
    """

    def __init__(self):
        self.signal_number: int | None = None

    @property
    def exit_status(self) -> int:
        """Exit status by the shell's convention: 128 + the signal, 0 without one."""
        return 128 + self.signal_number if self.signal_number else 0

    @contextlib.contextmanager
    def listening(self, report: Callable[[str], None]) -> Iterator[None]:
        """Takes the signals over within the block.

        After the first signal the system's own handling is back, since Python's would wait for the
        end of a step that may hang.

        Args:
          report: told in a line what happens next.
        """

        def handle(number: int, frame) -> None:
            self.signal_number = number
            for each in _SIGNALS:
                signal.signal(each, signal.SIG_DFL)
            with contextlib.suppress(RuntimeError):  # the signal came in the middle of a print
                report(
                    f"{signal.Signals(number).name}: finishing this step, saving a checkpoint, "
                    "then ending. A second one ends at once."
                )

        if threading.current_thread() is not threading.main_thread():
            yield  # Python takes signals in its main thread only.
            return
        before = {number: signal.signal(number, handle) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
