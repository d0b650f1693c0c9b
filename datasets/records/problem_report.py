"""What the check of a dataset found, and its text for a terminal."""

import dataclasses
from collections.abc import Sequence

from common.texts import printable
from datasets.records.problems import ERROR, WARNING, Problem

# Of one kind, so that a thousand wrong masks do not hide the other problems.
_MAX_WRITTEN_OUT = 10


@dataclasses.dataclass(frozen=True)
class CheckReport:
    """What the check of a dataset found, whatever its task."""

    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == WARNING)

    @property
    def split_errors(self) -> tuple[Problem, ...]:
        """Errors of whole splits, which skipping examples does not fix."""
        return tuple(problem for problem in self.errors if problem.name is None)


def format_problems(problems: Sequence[Problem]) -> str:
    """Returns problems as text for a terminal, errors first; nothing where there are none."""
    kinds: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        kinds.setdefault((problem.severity, problem.kind), []).append(problem)
    paragraphs = []
    for (severity, kind), found in sorted(kinds.items()):  # An error sorts before a warning.
        lines = [f"{severity}: {kind} ({len(found)})"]
        for problem in found[:_MAX_WRITTEN_OUT]:
            subject = problem.path or f"split {problem.split!r}"
            lines.append("  " + printable(f"{subject}: {problem.message}"))
        if len(found) > _MAX_WRITTEN_OUT:
            lines.append(f"  … and {len(found) - _MAX_WRITTEN_OUT} more")
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def count(problems: Sequence[Problem]) -> str:
    """Returns how many errors and warnings there are: "1 error, 2 warnings"."""
    numbers = {kind: sum(each.severity == kind for each in problems) for kind in (ERROR, WARNING)}
    return ", ".join(
        f"{number} {kind}{'' if number == 1 else 's'}" for kind, number in numbers.items()
    )


def align(columns: Sequence[Sequence[str]], left: int) -> str:
    """Returns a table as text: the column `left` stands on the left, the others on the right."""
    aligned = []
    for index, column in enumerate(columns):
        width = max(map(len, column))
        aligned.append([c.ljust(width) if index == left else c.rjust(width) for c in column])
    return "\n".join("  ".join(row).rstrip() for row in zip(*aligned, strict=True))
