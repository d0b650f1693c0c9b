"""Measures contenders in turn: A B C, A B C …, so that what slows the machine slows all of them.

Every contender is a process that is set up and warmed up once and then waits for its turn; only one
works at a time. The figures of a contender are its median over the rounds, and the median of the
ratios *within* a round to another contender, in which the drift of the machine cancels.
"""

import contextlib
import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scripts.benchmarks import processes
from scripts.benchmarks.contender_process import ContenderError, ContenderProcess

# A round of one contender is at least that long, where its iterations are shorter.
ROUND_SECS = 1.0
_MAX_ITERATIONS = 50


@dataclasses.dataclass(frozen=True)
class Contender:
    """A process to measure; see `scripts.benchmarks.contender` for what it does.

    Attributes:
      name: its name in the table.
      command: the command, interpreter included.
      environment: variables in addition to those of this process.
      is_peer: whether it is somebody else's code.
      missing: why it cannot run, where that is known before.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_peer: bool = False
    missing: str | None = None


@dataclasses.dataclass(frozen=True)
class Result:
    """What was measured of a contender.

    Attributes:
      name, is_peer: those of the contender.
      seconds: seconds of one iteration in each round; () where it could not run.
      peak_bytes: peak resident memory; None where it is not known.
      facts: what the contender says of itself.
      reason: why it could not run, in one line; None where it did.
    """

    name: str
    is_peer: bool
    seconds: tuple[float, ...] = ()
    peak_bytes: int | None = None
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    reason: str | None = None

    @property
    def median_seconds(self) -> float | None:
        return statistics.median(self.seconds) if self.seconds else None

    def ratio_to(self, reference: "Result") -> float | None:
        """Returns the median over the rounds of this contender's time over the reference's."""
        if not self.seconds or not reference.seconds:
            return None
        pairs = zip(self.seconds, reference.seconds, strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)


def with_facts(result: Result, **facts: Any) -> Result:
    """Returns a result that says more."""
    return dataclasses.replace(result, facts={**result.facts, **facts})


def measure(
    contenders: Sequence[Contender],
    num_rounds: int,
    *,
    round_secs: float = ROUND_SECS,
    start_together: bool = True,
    report: Callable[[str], None] = lambda line: None,
) -> list[Result]:
    """Measures contenders in turn.

    Args:
      contenders: at least one.
      num_rounds: rounds that count; one more before them does not.
      round_secs: how long a round of one contender is at least, seconds.
      start_together: whether contenders are set up at the same time; otherwise one after the other.
      report: takes a line for each contender that is ready or cannot run.

    Returns:
      One result for each contender, in order. Whoever cannot start, dies or says nothing for
      minutes has a reason instead of figures, and the others are measured all the same.
    """
    results: dict[int, Result] = {}
    running: dict[int, ContenderProcess] = {}
    seconds: dict[int, list[float]] = {}

    def drop(index: int, error: Exception) -> None:
        contender = contenders[index]
        results[index] = Result(contender.name, contender.is_peer, reason=str(error))
        report(f"{contender.name}: {error}")
        running.pop(index, None)

    with contextlib.ExitStack() as stack:

        def wait_until_ready(index: int) -> None:
            try:
                running[index].wait_until_ready()
            except ContenderError as error:
                drop(index, error)
            else:
                report(f"{contenders[index].name}: ready")

        for index, contender in enumerate(contenders):
            if contender.missing:
                drop(index, ContenderError(contender.missing))
                continue
            try:
                running[index] = stack.enter_context(
                    ContenderProcess(contender.command, contender.environment)
                )
            except OSError as error:
                drop(index, error)
                continue
            if not start_together:
                wait_until_ready(index)
        if start_together:
            for index in list(running):
                wait_until_ready(index)

        iterations = dict.fromkeys(running, 1)
        for number in range(num_rounds + 1):
            for index, process in list(running.items()):
                try:
                    elapsed = process.do_round(iterations[index])
                except ContenderError as error:
                    drop(index, error)
                    continue
                if number == 0:
                    iterations[index] = count_iterations(elapsed, round_secs)
                else:
                    seconds.setdefault(index, []).append(elapsed)
        for index, process in running.items():
            contender = contenders[index]
            results[index] = Result(
                contender.name,
                contender.is_peer,
                tuple(seconds[index]),
                processes.peak_bytes(process.pid),
                process.facts,
            )
    return [results[index] for index in range(len(contenders))]


def count_iterations(seconds: float, round_secs: float) -> int:
    """Returns how many iterations of some seconds make a round."""
    return min(max(1, round(round_secs / max(seconds, 1e-9))), _MAX_ITERATIONS)
