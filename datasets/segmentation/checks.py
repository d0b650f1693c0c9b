"""Finds what is wrong with a dataset before it is trained on, by file name.

Every image and mask is decoded once, on all cores, completely, so that truncated files are
noticed. What is found is a list of problems: an error means that the example cannot be used as it
is, a warning that it is used and should be looked at. docs/datasets.md explains each kind.

`sample_checks` examines a single example, `dataset_problems` all of them together.
"""

import collections
import contextlib
from typing import NamedTuple

from datasets.images import image_checks, jpeg_damage
from datasets.images.jpeg_damage import DamageListener
from datasets.images.memory_limit import MemoryLimit, count_pixels
from datasets.records import workers
from datasets.records.encoder import Encoded
from datasets.records.problems import ERROR, WARNING
from datasets.records.shards_ahead import ShardsAhead
from datasets.segmentation import dataset_problems, sample_checks
from datasets.segmentation.check_report import Report
from datasets.segmentation.class_statistics import ClassCounter
from datasets.segmentation.dataset_problems import TRAIN
from datasets.segmentation.encoder import SegmentationEncoder
from datasets.segmentation.masks import blending, mask_values
from datasets.segmentation.palette_agreement import Disagreement, PaletteComparison
from datasets.segmentation.sample_checks import Finding
from datasets.segmentation.shown_examples import ExampleChoice
from datasets.segmentation.sources.source import Sample, Source


class Records(NamedTuple):
    """What a check writes of what it reads."""

    encoder: SegmentationEncoder
    shards: ShardsAhead


def check_source(
    source: Source,
    num_workers: int | None = None,
    show_progress: bool = True,
    memory_limit: MemoryLimit = MemoryLimit(),  # noqa: B008 (it is frozen)
    records: Records | None = None,
) -> Report:
    """Reads everything and reports what is wrong.

    Args:
      num_workers: threads; None for one per core.
      memory_limit: what the images in work may take together; one that alone takes more is an
        error.
      records: what to write of what is read; None for nothing.
    """
    work = [(split, sample) for split, samples in source.splits.items() for sample in samples]

    def refuse(argument: tuple[str, Sample], pixels: int) -> Finding:
        finding = Finding(*argument)
        path, message = memory_limit.describe_excess(pixels, *finding.sample.paths)
        finding.report(ERROR, "memory", message, path)
        return finding

    def encoder_for(split: str, sample: Sample) -> SegmentationEncoder | None:
        return records.encoder if records and records.shards.wants(split, sample.name) else None

    collector = _Collector(source)
    with jpeg_damage.listening() as listener:
        findings = workers.map_in_order(
            lambda argument: sample_checks.examine(
                source, *argument, listener, encoder_for(*argument)
            ),
            work,
            description="checking and converting" if records else "checking",
            num_workers=num_workers,
            show_progress=show_progress,
            limit=workers.WeightLimit(
                weigh=lambda argument: count_pixels(*argument[1].paths),
                max_weight=memory_limit.max_pixels,
                refuse=refuse,
            ),
        )
        encoded = (collector.add(finding) for finding in findings)
        with contextlib.closing(findings):
            if records is not None:
                records.shards.write(encoded)
            collections.deque(encoded, maxlen=0)
        collector.check_suspects(listener)
    return collector.finish()


class _Collector:
    """Joins the findings of all examples."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._problems = list(source.problems)
        self._unusable = {
            (problem.split, problem.name) for problem in self._problems if problem.severity == ERROR
        }
        self._counters = {
            split: ClassCounter(source.num_classes, source.ignore_label) for split in source.splits
        }
        self._shown = ExampleChoice(source.splits, source.num_classes)
        self._palettes = PaletteComparison()
        self._disagreements: list[tuple[str, Disagreement]] = []
        self._ramps = blending.NOTHING
        self._ids: set[int] = set()
        self._binary: list[Finding] = []
        self._suspects: list[tuple[str, Sample]] = []
        self._first_with_digest: dict[bytes, tuple[str, Sample]] = {}

    def add(self, finding: Finding) -> Encoded | None:
        """Takes what was found in the next example; returns its record, if there is one."""
        encoded, finding.encoded = finding.encoded, None  # Some findings are kept to the end.
        self._take(finding)
        return encoded

    def _take(self, finding: Finding) -> None:
        self._problems += finding.problems
        self._ids |= finding.ids
        self._ramps += finding.ramps
        disagreement = self._palettes.add(finding.colors) if finding.colors else None
        if disagreement is not None:
            self._disagreements.append((finding.split, disagreement))
        example = finding.split, finding.sample
        if finding.is_suspect:
            self._suspects.append(example)
        if finding.digest is not None:
            first = self._first_with_digest.setdefault(finding.digest, example)
            self._problems += image_checks.compare(
                *example, *first, place_of=lambda sample: sample.places[0]
            )
        if finding.has_error or (finding.split, finding.sample.name) in self._unusable:
            return
        if finding.is_binary:
            self._binary.append(finding)
        else:
            self._count(finding)

    def check_suspects(self, listener: DamageListener) -> None:
        """Decodes images by themselves, and reports what libjpeg says."""
        for split, sample in self._suspects:
            damage = None
            with contextlib.suppress(OSError):
                damage = listener.describe_damage(sample.read_image_file())
            if damage is not None:
                finding = Finding(split, sample)
                finding.report_damage(damage)
                self._problems += finding.problems

    def finish(self) -> Report:
        """Judges what only shows when all examples are known."""
        self._problems += dataset_problems.check_palettes(self._disagreements)
        first_split = next(iter(self._counters))
        self._problems += dataset_problems.check_blending(first_split, self._ramps)
        self._judge_binary()
        statistics = {split: counter.to_split() for split, counter in self._counters.items()}
        for split, samples in self._source.splits.items():
            is_complete = statistics[split].num_examples == len(samples)
            self._problems += dataset_problems.check_classes(
                self._source, split, statistics[split], is_complete
            )
        weighed_split = TRAIN if TRAIN in statistics else first_split
        return Report(
            class_names=self._source.class_names,
            ignore_label=self._source.ignore_label,
            statistics=statistics,
            problems=tuple(self._problems),
            label_weights=self._counters[weighed_split].suggest_label_weights(),
            weighed_split=weighed_split,
            mask_values_flag=self._suggest_mask_values(),
            shown=self._shown.choose(),
        )

    def _count(self, finding: Finding) -> None:
        assert finding.histogram is not None, "a mask without ids and without an error"
        assert finding.size is not None
        self._counters[finding.split].add(finding.histogram, finding.size)
        self._shown.add(finding.split, finding.sample, finding.histogram)

    def _judge_binary(self) -> None:
        """Counts or reports the masks of 0 and 255, given the ids of all masks.

        They are an error where no mask has any other id. Where others have, a mask of background
        and ignored pixels may be right, but with two classes it is suspicious.
        """
        is_error = self._ids <= sample_checks.BINARY_IDS
        for finding in self._binary:
            if is_error or self._source.num_classes == 2:
                reported = Finding(finding.split, finding.sample)
                reported.report_binary(ERROR if is_error else WARNING)
                self._problems += reported.problems
            if not is_error:
                self._count(finding)

    def _suggest_mask_values(self) -> str | None:
        """Returns the flag that would make classes of the values in the masks, if any would."""
        kinds = {problem.kind for problem in self._problems if problem.severity == ERROR}
        if self._source.mask_format.values is not None or kinds.isdisjoint({"ids", "binary"}):
            return None
        num_classes = self._source.num_classes if "ids" in kinds else 2
        return mask_values.suggest(self._ids, num_classes, self._source.ignore_label)
