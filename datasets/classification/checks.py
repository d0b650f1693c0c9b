"""Finds what is wrong with a dataset before it is trained on, by file name.

Every image is decoded once, on all cores, completely, so that truncated files are noticed. An error
means that the example cannot be used as it is, a warning that it is used and should be looked at.
docs/classification.md explains each kind.
"""

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Iterator, Sequence

from common.texts import first_few, printable
from datasets.classification.check_report import Report
from datasets.classification.label_statistics import LabelCounter
from datasets.classification.sources.source import Sample, Source
from datasets.classification.specs import ClassificationSplit
from datasets.images import decoding, image_checks, jpeg_damage
from datasets.images.jpeg_damage import DamageListener
from datasets.images.memory_limit import MemoryLimit, count_pixels
from datasets.records import workers
from datasets.records.problems import ERROR, WARNING, Problem

# Fewer images of a class than this are told of: a network can hardly learn from them.
MIN_IMAGES = 10

_MAX_NAMED_CLASSES = 10
_TRAIN = "train"


@dataclasses.dataclass
class Finding:
    """What the examination of one example found."""

    split: str
    sample: Sample
    problems: list[Problem] = dataclasses.field(default_factory=list)
    size: tuple[int, int] = (0, 0)  # height, width of the image as records have it
    digest: bytes | None = None  # of its file; None if it cannot be read
    is_suspect: bool = False  # libjpeg complained meanwhile, perhaps of another image

    @property
    def has_error(self) -> bool:
        return any(problem.severity == ERROR for problem in self.problems)

    def report(self, severity: str, kind: str, message: str) -> None:
        """Adds a problem; a message that begins with the path loses it."""
        path = self.sample.path
        message = message.removeprefix(f"{path}: ").removeprefix(f"{printable(path)}: ")
        self.problems.append(Problem(severity, kind, message, path, self.split, self.sample.name))


def check_source(
    source: Source,
    num_workers: int | None = None,
    show_progress: bool = True,
    memory_limit: MemoryLimit = MemoryLimit(),  # noqa: B008 (it is frozen)
) -> Report:
    """Reads everything and reports what is wrong.

    Args:
      num_workers: threads; None for one per core.
      memory_limit: what the images in work may take together; one that alone takes more is an
        error.
    """
    work = [(split, sample) for split, samples in source.splits.items() for sample in samples]

    def refuse(argument: tuple[str, Sample], pixels: int) -> Finding:
        finding = Finding(*argument)
        finding.report(ERROR, "memory", memory_limit.describe_excess(pixels, argument[1].path)[1])
        return finding

    collector = _Collector(source)
    with jpeg_damage.listening() as listener:
        for finding in workers.map_in_order(
            lambda argument: _examine(*argument, listener),
            work,
            description="checking",
            num_workers=num_workers,
            show_progress=show_progress,
            limit=workers.WeightLimit(
                weigh=lambda argument: count_pixels(*argument[1].paths),
                max_weight=memory_limit.max_pixels,
                refuse=refuse,
            ),
        ):
            collector.add(finding)
        collector.check_suspects(listener)
    return collector.finish()


def _examine(split: str, sample: Sample, listener: DamageListener) -> Finding:
    """Reads one example and reports what is wrong with it."""
    finding = Finding(split, sample)
    if sample.pixels is not None:
        finding.size = sample.pixels.shape[:2]
        finding.digest = hashlib.blake2b(sample.pixels.tobytes(), digest_size=16).digest()
        return finding
    if not os.path.isfile(sample.path):
        other = image_checks.describe_other(sample.path)
        message = other or "there is no such file. Add it, or remove it from the list."
        finding.report(ERROR, "missing", message)
        return finding
    try:
        image = decoding.decode_image(sample.path, with_pixels=False, trust_kept=True)
    except (OSError, ValueError) as error:
        finding.report(ERROR, "unreadable", str(error))
        return finding
    finding.size = image.size
    found = image_checks.examine(image, listener)
    finding.digest, finding.is_suspect = found.digest, found.is_suspect
    for complaint in found.complaints:
        finding.report(*complaint)
    if image.is_turned:
        message = f"carries EXIF orientation {image.orientation}: it is turned upright."
        finding.report(WARNING, "orientation", message)
    return finding


class _Collector:
    """Joins the findings of all examples."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._problems = list(source.problems)
        self._unusable = {
            (problem.split, problem.name) for problem in self._problems if problem.severity == ERROR
        }
        self._examined: list[tuple[str, Sample, tuple[int, int]]] = []
        self._suspects: list[Finding] = []
        self._with_digest: dict[bytes, list[tuple[str, Sample]]] = {}

    def add(self, finding: Finding) -> None:
        """Takes what was found in the next example."""
        example = finding.split, finding.sample
        if finding.is_suspect:
            self._suspects.append(Finding(*example))
        if finding.digest is not None:
            self._with_digest.setdefault(finding.digest, []).append(example)
        self._take(finding)
        self._examined.append((*example, finding.size))

    def _take(self, finding: Finding) -> None:
        self._problems += finding.problems
        if finding.has_error:
            self._unusable.add((finding.split, finding.sample.name))

    def _compare(self, examples: Sequence[tuple[str, Sample]]) -> None:
        """Reports examples whose images are the same, byte for byte."""
        first_split, first = examples[0]
        contester = next((each for _, each in examples if each.label != first.label), None)
        for split, sample in examples:
            finding = Finding(split, sample)
            if contester is None:
                finding.problems += image_checks.compare(split, sample, first_split, first)
            else:
                # Nobody knows which of the labels is right, so none of the images is used.
                self._report_label(finding, contester if sample.label == first.label else first)
            self._take(finding)

    def _report_label(self, finding: Finding, other: Sample) -> None:
        ours, theirs = (self._source.class_names[each.label] for each in (finding.sample, other))
        message = (
            f"the same image as {other.path}, under another label: {ours!r} here, {theirs!r} "
            "there. Remove the wrong one."
        )
        finding.report(ERROR, "label", message)

    def check_suspects(self, listener: DamageListener) -> None:
        """Decodes images by themselves, and reports what libjpeg says."""
        for finding in self._suspects:
            damage = None
            with contextlib.suppress(OSError), open(finding.sample.path, "rb") as file:
                damage = listener.describe_damage(file.read())
            if damage is not None:
                finding.report(*image_checks.damaged(damage))
                self._problems += finding.problems

    def finish(self) -> Report:
        """Judges what only shows when all examples are known."""
        for examples in self._with_digest.values():
            self._compare(examples)
        counters = {split: LabelCounter(self._source.num_classes) for split in self._source.splits}
        for split, sample, size in self._examined:
            if (split, sample.name) not in self._unusable:
                counters[split].add(sample.label, size)
        statistics = {split: counter.to_split() for split, counter in counters.items()}
        if self._source.num_classes < 2:
            message = (
                f"there is one class only, {self._source.class_names[0]!r}: there is nothing to "
                "tell apart. Add a folder or label of another class; or is data_dir a folder too "
                "high?"
            )
            self._problems.append(Problem(ERROR, "one class", message, split=_TRAIN))
        for split, counts in statistics.items():
            self._problems += _check_classes(self._source, split, counts)
        return Report(tuple(self._problems), self._source.class_names, statistics)


def _check_classes(source: Source, split: str, counts: ClassificationSplit) -> Iterator[Problem]:
    """Reports a split without usable images, and classes with few or none.

    Args:
      counts: of its examples without an error.
    """
    if not counts.num_examples:
        message = "no image can be used. Fix the errors of its files first."
        yield Problem(ERROR, "split", message, split=split)
        return
    is_trained_on = split.startswith(_TRAIN)
    by_class = list(zip(source.class_names, counts.examples_per_class, strict=True))
    absent = [name for name, count in by_class if not count]
    if absent:
        named = first_few(absent, _MAX_NAMED_CLASSES)
        consequence = (
            "they cannot be learned. Add images, or remove the classes"
            if is_trained_on
            else "they are not scored there"
        )
        severity = ERROR if is_trained_on else WARNING
        message = f"classes without a usable image: {named}; {consequence}."
        yield Problem(severity, "classes", message, split=split)
    if len(absent) == len(by_class) - 1 and len(by_class) > 1 and not is_trained_on:
        (only,) = (name for name, count in by_class if count)
        message = f"all images are of one class, {only!r}: a score there says little."
        yield Problem(WARNING, "one class", message, split=split)
    few = [f"{name} ({count})" for name, count in by_class if 0 < count < MIN_IMAGES]
    if few and is_trained_on:
        message = (
            f"classes with fewer than {MIN_IMAGES} images: {first_few(few, _MAX_NAMED_CLASSES)}; "
            "they can hardly be learned."
        )
        yield Problem(WARNING, "classes", message, split=split)
