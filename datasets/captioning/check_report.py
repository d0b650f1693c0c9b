"""The report of a captioning dataset's check: problems, and what captions there are."""

import dataclasses
from collections.abc import Mapping, Sequence

from common.texts import printable
from datasets.captioning.specs import CaptioningSplit
from datasets.records import problem_report
from datasets.records.problem_report import CheckReport


@dataclasses.dataclass(frozen=True)
class Report(CheckReport):
    """What the check of a dataset found."""

    num_words: int  # of the vocabulary
    statistics: Mapping[str, CaptioningSplit]  # of each split's examples without an error
    unknown: Mapping[str, float]  # of each split: share of the words that are not known


def format_report(report: Report) -> str:
    """Returns a report as text for a terminal."""
    parts = [
        problem_report.format_problems(report.problems),
        _format_splits(report),
        problem_report.count(report.problems),
    ]
    return "\n\n".join(filter(None, parts))


def format_splits(
    splits: Mapping[str, CaptioningSplit],
    num_images: Mapping[str, int],
    unknown: Mapping[str, float],
    *more: Sequence[str],
) -> str:
    """Returns a table of the images, captions and words of each split.

    Args:
      splits: what is counted.
      num_images: of each split.
      unknown: share of each split's words that are not known.
      *more: further columns, each with its heading.
    """
    columns = [
        ["split", *map(printable, splits)],
        ["images", *(f"{num_images[split]:,}" for split in splits)],
        ["captions", *(f"{each.num_captions:,}" for each in splits.values())],
        ["words", *(f"{each.num_words - each.num_captions:,}" for each in splits.values())],
        ["longest", *(str(max(0, each.longest - 2)) for each in splits.values())],
        ["unknown %", *(f"{100 * unknown[split]:.2f}" for split in splits)],
        *more,
    ]
    return problem_report.align(columns, left=0)


def _format_splits(report: Report) -> str:
    num_images = {split: each.num_examples for split, each in report.statistics.items()}
    table = format_splits(report.statistics, num_images, report.unknown)
    return f"{table}\n\nvocabulary: {report.num_words:,} words"
