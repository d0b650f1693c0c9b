"""The report of a dataset's check: problems, class frequencies, and suggested label weights."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from common.texts import printable
from datasets.segmentation.class_statistics import ClassStatistics
from datasets.segmentation.sources.source import ERROR, WARNING, Problem


@dataclasses.dataclass(frozen=True)
class Report:
    """What the check of a dataset found.

    Attributes:
      source_name: name of the dataset.
      class_names: name of each class id.
      ignore_label: id of pixels that are never trained on or scored.
      statistics: sizes and class frequencies of each split, over the examples without an error.
      problems: everything that is wrong.
      label_weights: suggested loss weight of each class id.
      weighed_split: name of the split whose frequencies the weights come from.
      mask_values_flag: the flag that makes classes of the values in the masks, where these are no
        class ids but may well stand for classes; else None.
    """

    source_name: str
    class_names: tuple[str, ...]
    ignore_label: int
    statistics: Mapping[str, ClassStatistics]
    problems: tuple[Problem, ...]
    label_weights: tuple[float, ...]
    weighed_split: str
    mask_values_flag: str | None = None

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == WARNING)

    @property
    def split_errors(self) -> tuple[Problem, ...]:
        """Errors of whole splits, which leaving out examples does not mend."""
        return tuple(problem for problem in self.errors if problem.name is None)

    def failed_names(self, split: str) -> frozenset[str]:
        """Returns the names of the examples of a split that have an error."""
        return frozenset(
            problem.name
            for problem in self.errors
            if problem.split == split and problem.name is not None
        )

    @property
    def label_weights_flag(self) -> str:
        """The suggested weights as the training command takes them."""
        return "--label_weights=" + ",".join(f"{weight:g}" for weight in self.label_weights)


def format_report(report: Report, max_files: int = 10) -> str:
    """Returns a report as text for a terminal.

    Args:
      report: the report.
      max_files: problems of one kind that are written out; the rest are counted, so that a
        thousand wrong masks do not hide the other problems.
    """
    problems = format_problems(report.problems, max_files)
    parts = [
        *([problems] if problems else []),
        _format_classes(report),
        *_format_label_weights(report),
        *_format_mask_values(report),
        f"{_count(report.errors, 'error')}, {_count(report.warnings, 'warning')}",
    ]
    return "\n\n".join(parts)


def format_problems(problems: Sequence[Problem], max_files: int = 10) -> str:
    """Returns problems as text for a terminal, errors first; nothing where there are none."""
    paragraphs = []
    for severity in (ERROR, WARNING):
        found = [problem for problem in problems if problem.severity == severity]
        paragraphs += _format_problems(found, severity, max_files)
    return "\n\n".join(paragraphs)


def _format_problems(problems: Sequence[Problem], title: str, max_files: int) -> list[str]:
    """One paragraph for each kind of problem."""
    by_kind = sorted(problems, key=lambda problem: problem.kind)
    paragraphs = []
    for kind, group in itertools.groupby(by_kind, key=lambda problem: problem.kind):
        found = list(group)
        lines = [f"{title}: {kind} ({len(found)})"]
        lines += [f"  {_format_problem(problem)}" for problem in found[:max_files]]
        if len(found) > max_files:
            lines.append(f"  … and {len(found) - max_files} more")
        paragraphs.append("\n".join(lines))
    return paragraphs


def _count(problems: Sequence[Problem], noun: str) -> str:
    return f"{len(problems)} {noun}{'' if len(problems) == 1 else 's'}"


def _format_problem(problem: Problem) -> str:
    subject = problem.path or f"split {problem.split!r}"
    return printable(f"{subject}: {problem.message}")


def _format_label_weights(report: Report) -> list[str]:
    """The suggestion, or nothing where there is nothing to weigh."""
    if not sum(report.statistics[report.weighed_split].pixels_per_class):
        return []
    return [
        "If rare classes stay poor, train with these label weights (from the frequencies of "
        f"{report.weighed_split!r}):\n  {report.label_weights_flag}"
    ]


def _format_mask_values(report: Report) -> list[str]:
    if report.mask_values_flag is None:
        return []
    return [
        "If these values of the masks are the classes, in this order, add the flag (with make: "
        f"ARGS={report.mask_values_flag}):\n  {report.mask_values_flag}"
    ]


def _format_classes(report: Report) -> str:
    """A table of pixels, their share, and images of each class, split by split."""
    splits = list(report.statistics)
    header = ["id", "class"]
    for split in splits:
        header += [f"{printable(split)} pixels", "%", "images"]
    rows = [header]
    labelled = {split: sum(report.statistics[split].pixels_per_class) for split in splits}
    for class_id, name in enumerate(report.class_names):
        if class_id == report.ignore_label:
            continue
        row = [str(class_id), printable(name)]
        for split in splits:
            pixels = report.statistics[split].pixels_per_class[class_id]
            row += [
                f"{pixels:,}",
                f"{100 * pixels / max(labelled[split], 1):.2f}",
                str(report.statistics[split].examples_per_class[class_id]),
            ]
        rows.append(row)
    ignored = [str(report.ignore_label), "(ignored)"]
    total = ["", "all labelled"]
    for split in splits:
        statistics = report.statistics[split]
        ignored += [f"{statistics.ignored_pixels:,}", "", ""]
        total += [f"{labelled[split]:,}", "", str(statistics.num_examples)]
    return _align([*rows, ignored, total])


def _align(rows: Sequence[Sequence[str]]) -> str:
    """Joins rows to a table: the class names left, numbers right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column == 1 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
