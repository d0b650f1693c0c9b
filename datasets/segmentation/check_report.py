"""The report of a dataset's check: problems, class frequencies, and suggested label weights."""

import dataclasses
from collections.abc import Mapping, Sequence

from common.texts import printable
from datasets.records import problem_report
from datasets.records.problem_report import CheckReport
from datasets.segmentation.sources.source import Sample
from datasets.segmentation.specs import SplitSpec


@dataclasses.dataclass(frozen=True)
class Report(CheckReport):
    """What the check of a dataset found."""

    class_names: tuple[str, ...]
    ignore_label: int
    statistics: Mapping[str, SplitSpec]  # of each split's examples without an error
    label_weights: tuple[float, ...]  # suggested, of each class id
    weighed_split: str  # the split whose frequencies the weights come from
    # Makes classes of the masks' values, where these are not class ids but may stand for classes.
    mask_values_flag: str | None = None
    # A few examples of each split, which together have all classes that occur, if there is room.
    shown: Mapping[str, Sequence[Sample]] = dataclasses.field(default_factory=dict)


def format_report(report: Report) -> str:
    """Returns a report as text for a terminal."""
    parts = [problem_report.format_problems(report.problems), _format_classes(report)]
    if len({*report.label_weights}) > 1 and not report.errors:
        weights = ",".join(f"{weight:g}" for weight in report.label_weights)
        parts.append(
            f"Label weights, from the frequencies of {report.weighed_split!r}; train.py chooses "
            f"them by itself where classes occur unequally often:\n  --label_weights={weights}"
        )
    if report.mask_values_flag is not None:
        parts.append(
            "If these values of the masks are the classes, in this order, add the flag (with make: "
            f"ARGS={report.mask_values_flag}):\n  {report.mask_values_flag}"
        )
    parts.append(problem_report.count(report.problems))
    return "\n\n".join(filter(None, parts))


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
    return problem_report.align(columns, left=1)
