"""Finds what is wrong with a dataset before it is trained on, by file name.

Every image and mask is decoded once, on all cores, completely, so that truncated files are
noticed. What is found is a list of problems: an error means that the example cannot be used as it
is, a warning that it is used and should be looked at. The kinds of problems:

    errors
      missing      there is an image without a mask, or a mask without an image
      unreadable   a file is damaged, truncated or 16-bit, or a mask is a JPEG or transparent
      stem         several images, or several masks, share a stem
      size         image and mask differ in size
      ids          the mask holds ids that no class has, or values that the mapping does not name
      binary       the masks hold 0 and 255 only: the objects carry the ignore label
      colors      an RGB mask has colors that the class file does not name
      palette      a palette mask paints an id in the color of another class, or two masks paint
                   different ids in one color
      memory       an example alone takes more memory than is allowed
      blended      ids occur only in ramps along borders: the masks were resized smoothly
      one class    all labeled pixels of a split to train on are of one class
      unlabelled   nothing is labeled in a split to train on
      split        a split has no example that can be used
    warnings
      palette      a palette mask paints an id otherwise than the class file or another mask does
      blended      ids occur in thin rims between others, as outlines do, or blends, or in specks
                   beside them, as JPEG leaves
      damaged      a JPEG is damaged inside, as far as that can be noticed
      binary       of two classes, this mask holds 0 and 255 only
      unlabelled   every pixel of the mask is ignored
      orientation  the image carries an EXIF orientation
      converted    the image is not RGB and is converted
      repeated     the same image is in the split, or in another split, a second time
      classes      classes never occur in the split

The examination of a single example is in `datasets.segmentation.sample_checks`.
"""

import contextlib
from collections.abc import Iterator, Sequence

from datasets.images.memory_limit import MemoryLimit, count_pixels
from datasets.records import workers
from datasets.segmentation import dataset_problems, jpeg_damage, sample_checks
from datasets.segmentation.check_report import Report
from datasets.segmentation.class_statistics import ClassCounter, suggest_label_weights
from datasets.segmentation.dataset_problems import TRAIN
from datasets.segmentation.jpeg_damage import DamageListener
from datasets.segmentation.masks import blending, mask_values
from datasets.segmentation.sample_checks import Finding
from datasets.segmentation.sources.source import ERROR, WARNING, Problem, Sample, Source


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
    palettes = dataset_problems.PaletteProblems()
    ramps = blending.NOTHING
    binary: list[tuple[str, Sample, Finding]] = []
    suspects: list[tuple[str, Sample]] = []
    ids: set[int] = set()
    firsts: dict[bytes, tuple[str, Sample]] = {}

    with jpeg_damage.listening() as listener:
        findings = workers.map_in_order(
            lambda argument: sample_checks.examine(source, *argument, listener),
            work,
            description="checking",
            num_workers=num_workers,
            show_progress=show_progress,
            limit=workers.WeightLimit(
                weigh=lambda argument: count_pixels(*argument[1].paths),
                max_weight=memory_limit.max_pixels,
                refuse=lambda argument, pixels: _refuse(memory_limit, *argument, pixels),
            ),
        )
        for (split, item), finding in zip(work, findings, strict=True):
            problems += finding.problems
            ids |= finding.ids
            ramps += finding.ramps
            palettes.add(split, finding.colors)
            if finding.is_suspect:
                suspects.append((split, item))
            if finding.digest is not None:
                first = firsts.setdefault(finding.digest, (split, item))
                problems += dataset_problems.compare_images(split, item, *first)
            if finding.has_error or (split, item.name) in unusable:
                continue
            if finding.is_binary:
                binary.append((split, item, finding))
            else:
                counters[split].add(finding.histogram, finding.size)
        for split, item in suspects:
            problems += _check_damage(split, item, listener)

    problems += palettes.report()
    if work:
        problems += dataset_problems.check_blending(splits[0], ramps)
    severity = _judge_binary(source, ids)
    for split, item, finding in binary:
        if severity is not None:
            problems.append(sample_checks.describe_binary(severity, split, item))
        if severity != ERROR:
            counters[split].add(finding.histogram, finding.size)

    statistics = {split: counters[split].statistics() for split in splits}
    for split in splits:
        is_complete = statistics[split].num_examples == len(source.split(split))
        problems += dataset_problems.check_classes(source, split, statistics[split], is_complete)
    weighed_split = TRAIN if TRAIN in statistics else splits[0]
    return Report(
        source_name=source.name,
        class_names=source.class_names,
        ignore_label=source.ignore_label,
        statistics=statistics,
        problems=tuple(problems),
        label_weights=suggest_label_weights(statistics[weighed_split]),
        weighed_split=weighed_split,
        mask_values_flag=_suggest_mask_values(source, ids, problems),
    )


def _refuse(memory_limit: MemoryLimit, split: str, item: Sample, pixels: int) -> Finding:
    path, message = memory_limit.describe_excess(pixels, *item.paths)
    return Finding((Problem(ERROR, "memory", message, path, split, item.name),))


def _check_damage(split: str, item: Sample, listener: DamageListener) -> Iterator[Problem]:
    """Decodes an image by itself, and reports what libjpeg says."""
    damage = None
    with contextlib.suppress(OSError), open(item.image_path, "rb") as file:
        damage = listener.describe_damage(file.read())
    if damage is not None:
        message = sample_checks.describe_damage(damage)
        yield Problem(WARNING, "damaged", message, item.image_path, split, item.name)


def _suggest_mask_values(source: Source, ids: set[int], problems: Sequence[Problem]) -> str | None:
    """Returns the flag that would make classes of the values in the masks, if they are none yet."""
    kinds = {problem.kind for problem in problems if problem.severity == ERROR}
    if source.mask_format.values is not None or kinds.isdisjoint({"ids", "binary"}):
        return None
    num_classes = source.num_classes if "ids" in kinds else 2
    return mask_values.suggest(ids, num_classes, source.ignore_label)


def _judge_binary(source: Source, ids: set[int]) -> str | None:
    """How bad masks of 0 and 255 are, given the ids of all masks.

    They are an error where no mask has any other id. Where others have, a mask of background and
    ignored pixels may be right, but with two classes it is suspicious.
    """
    if ids <= sample_checks.BINARY_IDS:
        return ERROR
    return WARNING if source.num_classes == 2 else None
