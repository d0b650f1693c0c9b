"""How time and memory follow one quantity: the points of a curve, and the table of some curves."""

import dataclasses
import math
from collections.abc import Sequence

from scripts.benchmarks.rounds import Result


@dataclasses.dataclass(frozen=True)
class Curve:
    """What was measured at several values of a quantity.

    Attributes:
      name: what was done.
      values: the quantity, rising.
      results: what was measured at each value.
      work: how much there is to do at each value; what grows in step with it has exponent 1.
    """

    name: str
    values: Sequence[int]
    results: Sequence[Result]
    work: Sequence[float]

    def exponents(self) -> list[float | None]:
        """Returns the exponent of time over work from each point to the next; None for the first.

        1 is time in proportion to the work, 2 its square; below 1 something does not grow.
        """
        exponents: list[float | None] = [None]
        times = [result.median_seconds for result in self.results]
        for index in range(1, len(times)):
            before, after = times[index - 1 : index + 1]
            growth = self.work[index] / self.work[index - 1]
            is_known = before and after and growth > 1
            exponents.append(math.log(after / before) / math.log(growth) if is_known else None)
        return exponents


@dataclasses.dataclass(frozen=True)
class Growth:
    """The curves over one quantity.

    Attributes:
      key: short name, for files.
      title: heading.
      quantity: name of what changes.
      curves: the curves.
    """

    key: str
    title: str
    quantity: str
    curves: Sequence[Curve]


def format_growth(growth: Growth) -> str:
    """Words the curves as a Markdown table, one block of rows a curve."""
    lines = [
        f"| | {growth.quantity} | seconds | exponent | peak memory, MiB |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    absent = []
    for curve in growth.curves:
        name = curve.name
        for value, result, exponent in zip(
            curve.values, curve.results, curve.exponents(), strict=True
        ):
            if not result.seconds:
                absent.append(f"- {curve.name}, {value}: could not run. {result.reason}")
                continue
            memory = f"{result.peak_bytes / 2**20:.0f}" if result.peak_bytes else "?"
            growing = "" if exponent is None else f"{exponent:.2f}"
            seconds = f"{result.median_seconds:.3g}"
            lines.append(f"| {name} | {value} | {seconds} | {growing} | {memory} |")
            name = ""
    return "\n".join(lines + (["", *absent] if absent else []))
