"""Finds what is wrong with a dataset before it is trained on, by file name.

Every picture and mask is decoded once, on all cores, completely, so that truncated files are
noticed. What is found is a list of problems: an error means that the example cannot be used as it
is, a warning that it is used and should be looked at. The kinds of problems:

    errors
      missing      there is a picture without a mask, or a mask without a picture
      unreadable   a file is damaged, truncated or 16-bit, or a mask is a JPEG or transparent
      stem         several pictures, or several masks, share a stem
      size         picture and mask differ in size
      ids          the mask holds ids that no class has
      binary       the masks hold 0 and 255 only: the objects carry the ignore label
      colours      an RGB mask has colours that the class file does not name
      palette      a palette mask paints an id in the colour of another class
      memory       an example alone takes more memory than is allowed
      split        a split has no example that can be used
    warnings
      palette      a palette mask paints an id otherwise than the class file says
      binary       of two classes, this mask holds 0 and 255 only
      unlabelled   every pixel of the mask is ignored
      orientation  the picture carries an EXIF orientation
      converted    the picture is not RGB and is converted
      repeated     the same picture is in the split, or in another split, a second time
      classes      classes never occur in the split

The examination of a single example is in `datasets.examination`.
"""

from collections.abc import Iterator, Sequence

from datasets import examination
from datasets.check_report import Report
from datasets.class_statistics import ClassCounter, ClassStatistics, suggest_label_weights
from datasets.examination import Finding
from datasets.sources import memory, workers
from datasets.sources.memory import MemoryLimit
from datasets.sources.source import ERROR, WARNING, Item, Problem, Source

_MAX_NAMED_CLASSES = 10
_TRAIN = "train"


def check_source(
    source: Source,
    splits: Sequence[str] | None = None,
    num_workers: int | None = None,
    show_progress: bool = True,
    memory_limit: MemoryLimit = MemoryLimit(),  # noqa: B008 (it is frozen)
) -> Report:
    """Reads everything and reports what is wrong.

    Args:
      source: the dataset.
      splits: names of the splits to check; None for all.
      num_workers: threads; None for one a core.
      show_progress: whether to draw a progress bar.
      memory_limit: what the images in work may take together; one that alone takes more is an
        error.

    Returns:
      The report; its statistics count the examples without an error.

    Raises:
      ValueError: the source has no such split.
    """
    splits = list(source.splits) if splits is None else list(splits)
    work = [(split, item) for split in splits for item in source.split(split)]
    problems = [problem for problem in source.problems if problem.split in (None, *splits)]
    unusable = {(problem.split, problem.name) for problem in problems if problem.severity == ERROR}
    counters = {split: ClassCounter(source.num_classes, source.ignore_label) for split in splits}
    binary: list[tuple[str, Item, Finding]] = []
    ids: set[int] = set()
    firsts: dict[bytes, tuple[str, Item]] = {}

    findings = workers.map_in_order(
        lambda argument: examination.examine(source, *argument),
        work,
        description="checking",
        num_workers=num_workers,
        show_progress=show_progress,
        limit=workers.WeightLimit(
            weigh=lambda argument: memory.count_example_pixels(argument[1]),
            max_weight=memory_limit.max_pixels,
            refuse=lambda argument, pixels: _refuse(memory_limit, *argument, pixels),
        ),
    )
    for (split, item), finding in zip(work, findings, strict=True):
        problems += finding.problems
        ids |= finding.ids
        if finding.digest is not None:
            first = firsts.setdefault(finding.digest, (split, item))
            problems += _compare_with_first(split, item, *first)
        if finding.has_error or (split, item.name) in unusable:
            continue
        if finding.is_binary:
            binary.append((split, item, finding))
        else:
            counters[split].add(finding.histogram, finding.size)

    severity = _judge_binary(source, ids)
    for split, item, finding in binary:
        if severity is not None:
            problems.append(examination.describe_binary(severity, split, item))
        if severity != ERROR:
            counters[split].add(finding.histogram, finding.size)

    statistics = {split: counters[split].statistics() for split in splits}
    for split in splits:
        problems += _check_classes(source, split, statistics[split])
    weighed_split = _TRAIN if _TRAIN in statistics else splits[0]
    return Report(
        source_name=source.name,
        class_names=source.class_names,
        ignore_label=source.ignore_label,
        statistics=statistics,
        problems=tuple(problems),
        label_weights=suggest_label_weights(statistics[weighed_split]),
        weighed_split=weighed_split,
    )


def _refuse(memory_limit: MemoryLimit, split: str, item: Item, pixels: int) -> Finding:
    path, message = memory_limit.describe_excess(item, pixels)
    return Finding((Problem(ERROR, "memory", message, path, split, item.name),))


def _judge_binary(source: Source, ids: set[int]) -> str | None:
    """How bad masks of 0 and 255 are, given the ids of all masks.

    They are an error where no mask has any other id. Where others have, a mask of background and
    ignored pixels may be right, but with two classes it is suspicious.
    """
    if ids <= examination.BINARY_IDS:
        return ERROR
    return WARNING if source.num_classes == 2 else None


def _compare_with_first(split: str, item: Item, first_split: str, first: Item) -> Iterator[Problem]:
    """Reports a picture whose file is the same, byte for byte, as one that was met before."""
    if item is first or (split != first_split and _may_overlap(split, first_split)):
        return
    if split == first_split:
        message = f"the same picture as {first.image_path}. Remove one of them."
    else:
        message = (
            f"the same picture as {first.image_path} in split {first_split!r}: what is trained on "
            "says nothing when it is evaluated on. Remove it from one of the splits."
        )
    yield Problem(WARNING, "repeated", message, item.image_path, split, item.name)


def _may_overlap(split: str, other: str) -> bool:
    """Whether two splits share pictures by their names, as `trainval` does with `val`."""
    both_train = split.startswith(_TRAIN) and other.startswith(_TRAIN)
    return both_train or split in other or other in split


def _check_classes(source: Source, split: str, statistics: ClassStatistics) -> Iterator[Problem]:
    """Reports a split without examples and classes that never occur in it."""
    if not statistics.num_examples:
        message = "no example can be used. Mend the errors of its files first."
        yield Problem(ERROR, "split", message, split=split)
        return
    absent = [
        f"{class_id} {name}"
        for class_id, name in enumerate(source.class_names)
        if class_id != source.ignore_label and not statistics.pixels_per_class[class_id]
    ]
    if absent:
        named = ", ".join(absent[:_MAX_NAMED_CLASSES])
        if len(absent) > _MAX_NAMED_CLASSES:
            named += f" and {len(absent) - _MAX_NAMED_CLASSES} more"
        consequence = (
            "they cannot be learned"
            if split.startswith(_TRAIN)
            else "they have no IoU there, and the mean is over the others"
        )
        message = f"classes that never occur: {named}; {consequence}."
        yield Problem(WARNING, "classes", message, split=split)
