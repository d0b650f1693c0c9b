"""Finds what is wrong with a dataset before it is trained on, by file name.

Every image is decoded once, on all cores, completely, so that truncated files are noticed. An error
means that the example cannot be used as it is, a warning that it is used and should be looked at.
docs/classification.md explains each kind.
"""

import hashlib
from collections.abc import Iterator, Sequence

from common.texts import first_few
from datasets.classification.check_report import Report
from datasets.classification.label_statistics import LabelCounter
from datasets.classification.sources.source import Sample, Source
from datasets.classification.specs import ClassificationSplit
from datasets.images import image_checks, jpeg_damage, sample_check
from datasets.images.jpeg_damage import DamageListener
from datasets.images.memory_limit import MemoryLimit
from datasets.images.sample_check import Finding
from datasets.records.problems import ERROR, WARNING, Problem

# Fewer images of a class than this are told of: a network can hardly learn from them.
MIN_IMAGES = 10

_MAX_NAMED_CLASSES = 10
_TRAIN = "train"


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
    collector = _Collector(source)
    with jpeg_damage.listening() as listener:
        for finding in sample_check.examine_all(
            source.splits,
            lambda finding: _examine(finding, listener),
            num_workers,
            show_progress,
            memory_limit,
        ):
            collector.add(finding)
        collector.check_suspects(listener)
    return collector.finish()


def _examine(finding: Finding[Sample], listener: DamageListener) -> None:
    """Reads one example and reports what is wrong with it."""
    pixels = finding.sample.pixels
    if pixels is None:
        sample_check.examine_file(finding, listener)
    else:
        finding.size = pixels.shape[:2]
        finding.digest = hashlib.blake2b(pixels.tobytes(), digest_size=16).digest()


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
            self._suspects.append(finding)
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
        self._problems += sample_check.describe_suspects(self._suspects, listener)

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
