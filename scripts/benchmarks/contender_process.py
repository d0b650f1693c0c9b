"""The benchmark's end of the lines between it and the process of a contender.

`scripts.benchmarks.contender` is the other end.
"""

import contextlib
import json
import os
import subprocess
import tempfile
import threading
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
    """A running contender, set up and warmed up; leaving its context ends it.

    Args:
      command: the interpreter and its arguments.
      environment: variables in addition to those of this process; None takes one away.

    Attributes:
      facts: what the contender says of itself when it is ready.

    Raises:
      OSError: there is no such command.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str | None]):
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
        variables = {**os.environ, **environment}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={name: value for name, value in variables.items() if value is not None},
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self.pid = self._process.pid
        self.facts: dict[str, Any] = {}

    def __enter__(self) -> "ContenderProcess":
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):
            self._requests.close()  # It says that there are no more rounds.
        try:
            self._process.wait(_END_SECS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()
        self._errors.close()

    def wait_until_ready(self) -> None:
        """Waits for the end of set-up and warm-up.

        Raises:
          ContenderError: it has ended, or takes minutes.
        """
        self.facts = self._read_answer(_READY_SECS)

    def do_round(self, iterations: int) -> float:
        """Has it work once; returns the seconds of one iteration.

        Raises:
          ContenderError: it has ended, or takes minutes.
        """
        with contextlib.suppress(OSError):  # Its answer tells that it has ended.
            self._requests.write(f"{iterations}\n")
            self._requests.flush()
        return self._read_answer(_ROUND_LIMIT_SECS)["seconds"]

    def _read_answer(self, limit_secs: float) -> dict[str, Any]:
        """Returns the next answer, once the process rests; skips what libraries print."""
        limit = time.monotonic() + limit_secs
        timer = threading.Timer(limit_secs, self._process.kill)
        timer.start()
        try:
            for line in self._answers:
                with contextlib.suppress(ValueError):
                    answer = json.loads(line)
                    if isinstance(answer, dict):
                        self._settle()
                        return answer
        finally:
            timer.cancel()
        status = self._process.wait()
        if time.monotonic() >= limit:
            raise ContenderError(f"no answer within {limit_secs:g} s")
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        last = lines[-1].strip() if lines else "it said nothing"
        raise ContenderError(f"ended with status {status}: {last}")

    def _settle(self) -> None:
        limit = time.monotonic() + _SETTLE_LIMIT_SECS
        before = processes.core_seconds(self.pid)
        while time.monotonic() < limit:
            time.sleep(_SETTLE_STEP_SECS)
            now = processes.core_seconds(self.pid)
            if now == before:
                return
            before = now
