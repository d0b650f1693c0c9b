"""What the process of a contender does: it sets itself up, then measures a round for each request.

Requests and answers are lines: the number of iterations on standard input, a JSON object on
standard output. Standard library only: peers run this in an environment of their own.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any


def parameters() -> dict[str, Any]:
    """Returns what the benchmark gave to this process: the JSON object of its only argument."""
    return json.loads(sys.argv[1])


def num_threads() -> int:
    """Returns the number of cores that this process may use; engines are set to as many threads."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Channel:
    """The contender's end of the lines between it and the benchmark."""

    def __init__(self) -> None:
        # Libraries print, and standard output belongs to the answers.
        self._answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def say_ready(self, **facts: Any) -> None:
        """Says that set-up and warm-up are done.

        Args:
          **facts: columns of the table; "versions" maps packages to versions, and "peak_bytes" is
            the memory of processes that have ended, which the benchmark cannot see.
        """
        self._say(facts)

    def wait(self) -> int | None:
        """Waits for the next round; returns its number of iterations, None when there is none."""
        line = sys.stdin.readline()
        return int(line) if line.strip() else None

    def say_seconds(self, seconds: float) -> None:
        """Answers a round with the seconds that one iteration took."""
        self._say({"seconds": seconds})

    def serve(
        self, iteration: Callable[[], object], iterations_ahead: int = 0, **facts: Any
    ) -> None:
        """Says that this contender is ready and does its rounds.

        Args:
          iteration: does the work once. Warm it up before.
          iterations_ahead: how many a pipeline may have ready. They are taken before each round,
            which otherwise measures how fast finished batches are handed over.
          **facts: see `say_ready`.
        """
        self.say_ready(**facts)
        while (iterations := self.wait()) is not None:
            for _ in range(iterations_ahead):
                iteration()
            start = time.perf_counter()
            for _ in range(iterations):
                iteration()
            self.say_seconds((time.perf_counter() - start) / iterations)

    def _say(self, answer: dict[str, Any]) -> None:
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()
