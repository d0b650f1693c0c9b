"""Measures contenders in turn: A B C, A B C …, so that what slows the machine slows all of them.

Every contender is a process that is set up and warmed up once and then waits for its turn; only one
works at a time. The figures of a contender are its median over the rounds, and the median of the
ratios *within* a round to another contender, in which the drift of the machine cancels.
"""

import contextlib
import dataclasses
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
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
      environment: variables in addition to those of this process; None takes one away.
      is_peer: whether it is somebody else's code.
      missing: why it cannot run, if that is known in advance.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
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
    entrants = [_Entrant(contender) for contender in contenders]

    @contextlib.contextmanager
    def dropping(entrant: _Entrant) -> Iterator[None]:
        try:
            yield
        except (ContenderError, OSError) as error:
            report(f"{entrant.contender.name}: {error}")
            entrant.reason, entrant.process = str(error), None

    with contextlib.ExitStack() as stack:
        # One after the other: they would hold the memory of their warm-up at the same time.
        for entrant in entrants:
            with dropping(entrant):
                entrant.start(stack)
                report(f"{entrant.contender.name}: ready")
        for number in range(num_rounds + 1):
            for entrant in entrants:
                if entrant.process:
                    with dropping(entrant):
                        seconds = entrant.process.do_round(entrant.iterations)
                        if number:
                            entrant.seconds.append(seconds)
                        else:
                            entrant.iterations = count_iterations(seconds, round_secs)
        return [entrant.result() for entrant in entrants]


@dataclasses.dataclass
class _Entrant:
    """A contender that is being measured; `process` is None if it cannot go on."""

    contender: Contender
    process: ContenderProcess | None = None
    reason: str | None = None
    iterations: int = 1
    seconds: list[float] = dataclasses.field(default_factory=list)

    def start(self, stack: contextlib.ExitStack) -> None:
        if self.contender.missing:
            raise ContenderError(self.contender.missing)
        process = ContenderProcess(self.contender.command, self.contender.environment)
        self.process = stack.enter_context(process)
        process.wait_until_ready()

    def result(self) -> Result:
        name, is_peer = self.contender.name, self.contender.is_peer
        if self.process is None:
            return Result(name, is_peer, reason=self.reason)
        facts = dict(self.process.facts)
        peak_bytes = facts.pop("peak_bytes", None) or processes.peak_bytes(self.process.pid)
        return Result(name, is_peer, tuple(self.seconds), peak_bytes, facts)


def count_iterations(seconds: float, round_secs: float) -> int:
    """Returns how many iterations of some seconds make a round."""
    return min(max(1, round(round_secs / max(seconds, 1e-9))), _MAX_ITERATIONS)
