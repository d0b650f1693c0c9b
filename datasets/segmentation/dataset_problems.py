"""Finds what only shows when all examples of a dataset are seen together.

Palettes that do not agree, ids that come from blended masks, images that occur twice, and splits
that cannot be trained on. What skipping examples does not fix is a problem of a split, not of an
example.
"""

from collections.abc import Iterator, Sequence

from common.texts import first_few
from datasets.records.problems import ERROR, WARNING, Problem
from datasets.segmentation.masks import blending
from datasets.segmentation.masks.blending import Ramps
from datasets.segmentation.palette_agreement import Disagreement
from datasets.segmentation.sources.source import Source
from datasets.segmentation.specs import SplitSpec

TRAIN = "train"

_MAX_NAMED_CLASSES = 10


def check_palettes(disagreements: Sequence[tuple[str, Disagreement]]) -> Iterator[Problem]:
    """Reports the first disagreement of masks, given with their splits: a certain one if any is."""
    certain = [(split, found) for split, found in disagreements if found.is_certain]
    for split, found in (certain or disagreements)[:1]:
        first = found.first.path
        if certain:
            rest = len(certain) - 1
            more = f" ({rest} more palettes disagree with others.)" if rest else ""
            message = (
                f"color {found.color} is index {found.second_index} here, but index "
                f"{found.first_index} in {first}, and the index is the class: the masks' palettes "
                "differ. Save the masks as RGB with a 'palette' in classes.json, which reads them "
                f"by their colors, or all with one palette.{more}"
            )
        else:
            index = found.second_index
            message = (
                f"index {index} is painted {found.second.color(index)} here, but {found.color} in "
                f"{first}. The index is taken as the id: check that it means the same class in "
                "both."
            )
        yield Problem(ERROR if certain else WARNING, "palette", message, found.second.path, split)


def check_blending(split: str, ramps: Ramps) -> Iterator[Problem]:
    """Reports ids that come from masks which were resized smoothly or were JPEG once."""
    blended = blending.judge(ramps)
    if blended is not None:
        severity = ERROR if blended.kind == blending.RAMP else WARNING
        yield Problem(severity, "blended", blended.describe(), split=split)


def check_classes(
    source: Source, split: str, statistics: SplitSpec, is_complete: bool
) -> Iterator[Problem]:
    """Reports a split without examples or labels, with one class only, or that lacks classes.

    Args:
      statistics: those of its examples without an error.
      is_complete: whether these are all: others may well hold other classes, so without them a
        single class is only a warning.
    """
    is_trained_on = split.startswith(TRAIN)
    severity = ERROR if is_trained_on and is_complete else WARNING
    if not statistics.num_examples:
        message = "no example can be used. Fix the errors of its files first."
        yield Problem(ERROR, "split", message, split=split)
        return
    present: list[str] = []
    absent: list[str] = []
    for class_id, name in enumerate(source.class_names):
        if class_id != source.ignore_label:
            group = present if statistics.pixels_per_class[class_id] else absent
            group.append(f"{class_id} {name}")
    if not present:
        message = (
            f"nothing is labeled: every pixel of every mask is {source.ignore_label}, which is "
            "ignored. Export the masks again, or give the pixels class ids."
        )
        yield Problem(severity, "unlabelled", message, split=split)
    elif len(present) == 1 and is_trained_on:
        message = (
            f"every labeled pixel is of one class, {present[0]}: there is nothing to tell apart, "
            "and a network would answer it everywhere. Usually the masks were exported empty, or "
            "the background was left unlabeled: give it an id of its own."
        )
        yield Problem(severity, "one class", message, split=split)
    elif absent:
        consequence = (
            "they cannot be learned"
            if is_trained_on
            else "they have no IoU there, and the mean is over the others"
        )
        named = first_few(absent, _MAX_NAMED_CLASSES)
        message = f"classes that never occur: {named}; {consequence}."
        yield Problem(WARNING, "classes", message, split=split)
