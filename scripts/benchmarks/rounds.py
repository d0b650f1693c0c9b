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
      command: the interpreter and its arguments.
      environment: variables in addition to those of this process.
      is_peer: whether it is somebody else's code.
      missing: why it cannot run, if that is known in advance.
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
      seconds: seconds of one iteration in each round; () if the contender could not run.
      peak_bytes: peak resident memory; None if unknown.
      facts: what the contender says of itself: "versions", and columns of the table.
      reason: why it could not run, in one line; None if it did.
    """

    name: str
    is_peer: bool
    seconds: tuple[float, ...] = ()
    peak_bytes: int | None = None
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    reason: str | None = None

    @property
    def median_seconds(self) -> float:
        """Seconds of one iteration; only of a contender that could run."""
        return statistics.median(self.seconds)

    def ratio_to(self, reference: "Result") -> float | None:
        """Returns the median over the rounds of this contender's time over the reference's."""
        if not self.seconds or not reference.seconds:
            return None
        pairs = zip(self.seconds, reference.seconds, strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)


def measure(
    contenders: Sequence[Contender],
    num_rounds: int,
    *,
    round_secs: float = ROUND_SECS,
    report: Callable[[str], None] = lambda line: None,
) -> list[Result]:
    """Measures contenders in turn.

    Args:
      contenders: at least one.
      num_rounds: rounds that count; one more before them does not.
      round_secs: minimum seconds of a round of one contender.
      report: takes a line for each contender that is ready or cannot run.

    Returns:
      One result for each contender, in order. One that cannot start, dies or gives no answer for
      minutes has a reason instead of figures, and the others are measured all the same.
    """
    reasons: dict[int, str] = {}
    running: dict[int, ContenderProcess] = {}
    seconds: dict[int, list[float]] = {}
    peaks: dict[int, int | None] = {}
    iterations: dict[int, int] = {}

    @contextlib.contextmanager
    def dropping(index: int):
        try:
            yield
        except (ContenderError, OSError) as error:
            reasons[index] = str(error)
            report(f"{contenders[index].name}: {error}")
            running.pop(index, None)

    with contextlib.ExitStack() as stack:
        # One after the other: they would hold the memory of their warm-up at the same time.
        for index, contender in enumerate(contenders):
            with dropping(index):
                if contender.missing:
                    raise ContenderError(contender.missing)
                process = ContenderProcess(contender.command, contender.environment)
                running[index] = stack.enter_context(process)
                process.wait_until_ready()
                report(f"{contender.name}: ready")
        for index, process in list(running.items()):
            with dropping(index):
                iterations[index] = count_iterations(process.do_round(1), round_secs)
        for _ in range(num_rounds):
            for index, process in list(running.items()):
                with dropping(index):
                    elapsed = process.do_round(iterations[index])
                    seconds.setdefault(index, []).append(elapsed)
        for index, process in running.items():
            peaks[index] = processes.peak_bytes(process.pid)
    return [
        Result(
            contender.name,
            contender.is_peer,
            tuple(seconds[index]) if index in running else (),
            peaks.get(index),
            running[index].facts if index in running else {},
            reasons.get(index),
        )
        for index, contender in enumerate(contenders)
    ]


def count_iterations(seconds: float, round_secs: float) -> int:
    """Returns how many iterations of some seconds make a round."""
    return min(max(1, round(round_secs / max(seconds, 1e-9))), _MAX_ITERATIONS)
