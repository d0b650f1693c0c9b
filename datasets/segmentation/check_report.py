"""The report of a dataset's check: problems, class frequencies, and suggested label weights."""

import dataclasses
from collections.abc import Mapping, Sequence

from common.texts import printable
from datasets.segmentation.sources.source import ERROR, WARNING, Problem
from datasets.segmentation.specs import SplitSpec

# Of one kind, so that a thousand wrong masks do not hide the other problems.
_MAX_WRITTEN_OUT = 10


@dataclasses.dataclass(frozen=True)
class Report:
    """What the check of a dataset found."""

    class_names: tuple[str, ...]
    ignore_label: int
    statistics: Mapping[str, SplitSpec]  # of each split's examples without an error
    problems: tuple[Problem, ...]
    label_weights: tuple[float, ...]  # suggested, of each class id
    weighed_split: str  # the split whose frequencies the weights come from
    # Makes classes of the masks' values, where these are not class ids but may stand for classes.
    mask_values_flag: str | None = None

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


def format_report(report: Report) -> str:
    """Returns a report as text for a terminal."""
    parts = [format_problems(report.problems), _format_classes(report)]
    if any(report.statistics[report.weighed_split].pixels_per_class):
        weights = ",".join(f"{weight:g}" for weight in report.label_weights)
        parts.append(
            "If rare classes stay poor, train with these label weights (from the frequencies of "
            f"{report.weighed_split!r}):\n  --label_weights={weights}"
        )
    if report.mask_values_flag is not None:
        parts.append(
            "If these values of the masks are the classes, in this order, add the flag (with make: "
            f"ARGS={report.mask_values_flag}):\n  {report.mask_values_flag}"
        )
    parts.append(f"{_count(report.errors, 'error')}, {_count(report.warnings, 'warning')}")
    return "\n\n".join(filter(None, parts))


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


def _count(problems: Sequence[Problem], noun: str) -> str:
    return f"{len(problems)} {noun}{'' if len(problems) == 1 else 's'}"


def _format_classes(report: Report) -> str:
    """A table of pixels, their share, and images of each class, split by split."""
    classes = [each for each in enumerate(report.class_names) if each[0] != report.ignore_label]
    ids = [*(str(class_id) for class_id, _ in classes), str(report.ignore_label), ""]
    names = [*(printable(name) for _, name in classes), "(ignored)", "all labeled"]
    columns = [["id", *ids], ["class", *names]]
    for split, statistics in report.statistics.items():
        labeled = sum(statistics.pixels_per_class)
        counts = [statistics.pixels_per_class[class_id] for class_id, _ in classes]
        examples = [statistics.examples_per_class[class_id] for class_id, _ in classes]
        pixels = [f"{count:,}" for count in (*counts, statistics.ignored_pixels, labeled)]
        shares = [f"{100 * count / max(labeled, 1):.2f}" for count in counts]
        columns += [
            [f"{printable(split)} pixels", *pixels],
            ["%", *shares, "", ""],
            ["images", *map(str, examples), "", str(statistics.num_examples)],
        ]
    for index, column in enumerate(columns):
        width = max(map(len, column))
        # Names stand on the left, numbers on the right.
        columns[index] = [c.ljust(width) if index == 1 else c.rjust(width) for c in column]
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))
