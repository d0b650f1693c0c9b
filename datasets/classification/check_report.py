"""The report of a dataset's check: problems, and the images of each class."""

import dataclasses
from collections.abc import Mapping

from common.texts import printable
from datasets.classification.specs import ClassificationSplit
from datasets.records import problem_report
from datasets.records.problem_report import CheckReport

# Of more classes only the rarest and the most frequent ones are shown.
_MAX_SHOWN = 100
_NUM_EXTREMES = 10


@dataclasses.dataclass(frozen=True)
class Report(CheckReport):
    """What the check of a dataset found."""

    class_names: tuple[str, ...]
    statistics: Mapping[str, ClassificationSplit]  # of each split's examples without an error


def format_report(report: Report) -> str:
    """Returns a report as text for a terminal."""
    parts = [
        problem_report.format_problems(report.problems),
        _format_classes(report),
        problem_report.count(report.problems),
    ]
    return "\n\n".join(filter(None, parts))


def _format_classes(report: Report) -> str:
    """A table of the images of each class and their share, split by split."""
    shown = _choose(report)
    names = [printable(report.class_names[class_id]) for class_id in shown]
    columns = [["id", *map(str, shown), ""], ["class", *names, "all"]]
    for split, statistics in report.statistics.items():
        total = statistics.num_examples
        counts = [statistics.examples_per_class[class_id] for class_id in shown]
        columns += [
            [f"{printable(split)} images", *(f"{count:,}" for count in counts), f"{total:,}"],
            ["%", *(f"{100 * count / max(total, 1):.2f}" for count in counts), ""],
        ]
    table = problem_report.align(columns, left=1)
    num_hidden = len(report.class_names) - len(shown)
    if num_hidden:
        table += f"\n(the rarest and the most frequent classes; {num_hidden} more are not shown)"
    return table


def _choose(report: Report) -> list[int]:
    """Returns the ids of the classes that the table shows."""
    ids = list(range(len(report.class_names)))
    if len(ids) <= _MAX_SHOWN:
        return ids
    counts = next(iter(report.statistics.values())).examples_per_class
    ranked = sorted(ids, key=lambda class_id: counts[class_id])
    return sorted({*ranked[:_NUM_EXTREMES], *ranked[-_NUM_EXTREMES:]})
