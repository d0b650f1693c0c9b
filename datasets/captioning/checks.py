"""Finds what is wrong with a captioning dataset before it is trained on, by file name.

Every image is decoded once, on all cores. An error means that the example cannot be used as it is,
a warning that it is used and should be looked at. docs/captioning.md explains each kind.
"""

from collections.abc import Iterator, Sequence

from datasets.captioning import vocabulary
from datasets.captioning.caption_statistics import CaptionCounter
from datasets.captioning.check_report import Report
from datasets.captioning.sources.source import Sample, Source
from datasets.captioning.vocabulary import Vocabulary
from datasets.images import image_checks, jpeg_damage, sample_check
from datasets.images.memory_limit import MemoryLimit
from datasets.images.sample_check import Finding
from datasets.records.problems import ERROR, WARNING, Problem

_TRAIN = "train"
# Of the words of a split's captions: more are told of.
_MANY_UNKNOWN = 0.1
# Longer captions are mostly no captions.
_MAX_WORDS = 100


def check_source(
    source: Source,
    known: Vocabulary,
    num_workers: int | None = None,
    show_progress: bool = True,
    memory_limit: MemoryLimit = MemoryLimit(),  # noqa: B008 (it is frozen)
) -> Report:
    """Reads everything and reports what is wrong.

    Args:
      source: images and captions.
      known: the vocabulary that records will have.
      num_workers: threads; None for one per core.
      show_progress: whether a bar shows how far it is.
      memory_limit: what the images in work may take together; one that alone takes more is an
        error.
    """
    problems = [*source.problems, *_find_leaks(source)]
    findings = []
    with jpeg_damage.listening() as listener:
        for finding in sample_check.examine_all(
            source.splits,
            lambda finding: sample_check.examine_file(finding, listener),
            num_workers,
            show_progress,
            memory_limit,
        ):
            _examine_captions(finding, known)
            problems += finding.problems
            findings.append(finding)
        suspects = (finding for finding in findings if finding.is_suspect)
        problems += sample_check.describe_suspects(suspects, listener)
    problems += _compare(findings)
    return _report(source, known, findings, problems)


def _find_leaks(source: Source) -> Iterator[Problem]:
    """Reports images that several splits have: a network would be scored on what it has seen."""
    splits_of: dict[str, list[str]] = {}
    for split, samples in source.splits.items():
        for sample in samples:
            splits_of.setdefault(sample.path, []).append(split)
    for split, samples in source.splits.items():
        for sample in samples:
            splits = splits_of[sample.path]
            if len(splits) > 1:
                message = f"is in {' and '.join(splits)}. Remove it from all but one."
                yield Problem(ERROR, "split leak", message, sample.path, split, sample.name)


def _examine_captions(finding: Finding[Sample], known: Vocabulary) -> None:
    """Reports captions that are hardly any."""
    for caption in finding.sample.captions:
        count = len(vocabulary.split(caption, known.splitting)) - 2
        if not count:
            finding.report(ERROR, "no words", f"the caption {caption[:40]!r} has no words.")
        elif count > _MAX_WORDS:
            message = f"a caption has {count} words: {caption[:40]!r}…"
            finding.report(WARNING, "long caption", message)


def _compare(findings: Sequence[Finding[Sample]]) -> Iterator[Problem]:
    """Reports examples whose images are the same, byte for byte."""
    with_digest: dict[bytes, list[Finding[Sample]]] = {}
    for finding in findings:
        if finding.digest is not None:
            with_digest.setdefault(finding.digest, []).append(finding)
    for same in with_digest.values():
        first = same[0]
        for each in same:
            yield from image_checks.compare(each.split, each.sample, first.split, first.sample)


def _report(
    source: Source,
    known: Vocabulary,
    findings: Sequence[Finding[Sample]],
    problems: Sequence[Problem],
) -> Report:
    """Judges what only shows when all examples are known."""
    unusable = {(each.split, each.name) for each in problems if each.severity == ERROR}
    counters = {split: CaptionCounter() for split in source.splits}
    num_words = dict.fromkeys(source.splits, 0)
    num_unknown = dict.fromkeys(source.splits, 0)
    for finding in findings:
        if (finding.split, finding.sample.name) in unusable:
            continue
        captions = [vocabulary.split(each, known.splitting) for each in finding.sample.captions]
        counters[finding.split].add([*map(len, captions)], finding.size)
        for words in captions:
            ids = known.ids(words)
            num_words[finding.split] += len(ids) - 1  # The mark of the start is never predicted.
            num_unknown[finding.split] += ids.count(known.unknown)
    unknown = {split: num_unknown[split] / max(1, num_words[split]) for split in source.splits}
    found = list(problems)
    for split, share in unknown.items():
        if not num_words[split]:
            message = "no image can be used. Fix the errors of its files first."
            found.append(Problem(ERROR, "split", message, split=split))
        elif share > _MANY_UNKNOWN:
            message = (
                f"{100 * share:.0f} % of the words are unknown: lower --min_word_count, or give "
                "more captions."
            )
            found.append(Problem(WARNING, "unknown words", message, split=split))
    statistics = {split: counter.to_split() for split, counter in counters.items()}
    return Report(tuple(found), len(known), statistics, unknown)
