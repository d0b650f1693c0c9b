"""The benchmark's end of the lines between it and the process of a contender.

`scripts.benchmarks.contender` is the other end.
"""

import contextlib
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.benchmarks import processes

_READY_SECS = 400
_ROUND_LIMIT_SECS = 200
_END_SECS = 10
# Prefetching and spinning threads are given time to end before the next contender's turn.
_SETTLE_LIMIT_SECS = 3.0
_SETTLE_STEP_SECS = 0.05


class ContenderError(Exception):
    """A contender cannot go on; the message says why, in one line."""


class ContenderProcess:
    """A running contender; leaving its context ends it.

    Attributes:
      pid: its process.
      facts: what it has said of itself when it became ready.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]):
        """Starts it.

        Args:
          command: the command, interpreter included.
          environment: variables in addition to those of this process.

        Raises:
          OSError: there is no such command.
        """
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
        self._unread = b""
        self.facts: dict[str, Any] = {}
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**os.environ, **environment},
            )
        except OSError:
            self._errors.close()
            raise
        self.pid = self._process.pid

    def __enter__(self) -> "ContenderProcess":
        return self

    def __exit__(self, *exception) -> None:
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # It says that there are no more rounds.
        try:
            self._process.wait(_END_SECS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def wait_until_ready(self) -> None:
        """Waits for the end of set-up and warm-up.

        Raises:
          ContenderError: it has ended, or takes minutes.
        """
        self.facts = self._read_answer(_READY_SECS)
        self._settle()

    def do_round(self, iterations: int) -> float:
        """Has it work once; returns the seconds of one iteration.

        Raises:
          ContenderError: it has ended, or takes minutes.
        """
        try:
            self._process.stdin.write(f"{iterations}\n".encode())
            self._process.stdin.flush()
        except OSError:
            raise self._failure() from None
        seconds = self._read_answer(_ROUND_LIMIT_SECS)["seconds"]
        self._settle()
        return seconds

    def _settle(self) -> None:
        """Waits until the process rests."""
        limit = time.monotonic() + _SETTLE_LIMIT_SECS
        before = processes.core_seconds(self.pid)
        while time.monotonic() < limit:
            time.sleep(_SETTLE_STEP_SECS)
            now = processes.core_seconds(self.pid)
            if now == before:
                return
            before = now

    def _read_answer(self, limit_secs: float) -> dict[str, Any]:
        """Returns the next answer; lines that are none, which libraries print, are passed over."""
        limit = time.monotonic() + limit_secs
        while True:
            line, separator, rest = self._unread.partition(b"\n")
            if separator:
                self._unread = rest
                with contextlib.suppress(ValueError):
                    answer = json.loads(line)
                    if isinstance(answer, dict):
                        return answer
                continue
            remaining = limit - time.monotonic()
            if remaining <= 0 or not select.select([self._process.stdout], [], [], remaining)[0]:
                self._process.kill()
                raise ContenderError(f"no answer within {limit_secs:g} s")
            received = os.read(self._process.stdout.fileno(), 1 << 16)
            if not received:
                raise self._failure()
            self._unread += received

    def _failure(self) -> ContenderError:
        """Words why the process has ended: its status, and the last line of what it said."""
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        last = lines[-1].strip() if lines else "it said nothing"
        return ContenderError(f"ended with status {status}: {last}")
