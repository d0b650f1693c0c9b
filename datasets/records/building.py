"""Builds a dataset as the command does: plan, check, conversion, and what is said meanwhile."""

import dataclasses
import functools
import os
import shlex
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from common import beam, dataset_files, texts
from datasets.images.image_folders import is_utf8
from datasets.images.memory_limit import MemoryLimit
from datasets.records import (
    beam_conversion,
    build_folder,
    conversion,
    problem_report,
    shard_plan,
    val_split,
)
from datasets.records.encoder import Encoder, SampleT, SpecT, SplitT
from datasets.records.origin import PlacedDataset
from datasets.records.problems import ERROR, Problem
from datasets.records.shard_plan import Failure, ShardPlan
from datasets.records.shards_ahead import ShardsAhead


@dataclasses.dataclass(frozen=True)
class BuildSettings:
    """How a dataset is built.

    Attributes:
      output_dir: folder of the shards; None for that of the dataset's name.
      num_shards: of each split; None for a number that suits.
      is_checked: whether everything is checked before any records come to their places.
      skip_errors: whether examples that cannot be used are skipped; otherwise they end the build.
      num_workers: threads; None for one per core.
      memory_limit: what the images in work may take together.
      runner, beam_options: of Apache Beam; None for the threads of this process.
    """

    output_dir: str | None = None
    num_shards: int | None = None
    is_checked: bool = True
    skip_errors: bool = False
    num_workers: int | None = None
    memory_limit: MemoryLimit = MemoryLimit()  # noqa: RUF009 (it is frozen)
    runner: str | None = None
    beam_options: str = ""

    def require_runner(self) -> None:
        """Raises ValueError if Beam is asked for and not installed: before anything is read."""
        if self.runner:
            beam.require(self.runner)
        elif self.beam_options:
            raise ValueError("--beam_options goes with --runner, the engine that takes them.")


class Report(Protocol):
    """What the check of a dataset found."""

    @property
    def errors(self) -> Sequence[Problem]: ...

    @property
    def split_errors(self) -> Sequence[Problem]: ...


def build(
    encoder: Encoder[SampleT, SplitT, SpecT],
    splits: Mapping[str, Sequence[SampleT]],
    problems: Sequence[Problem],
    check: Callable[[ShardsAhead[SampleT, SplitT, SpecT] | None], Report],
    settings: BuildSettings,
    data_dir: str | None = None,
) -> SpecT:
    """Checks the samples and writes what is missing of their shards; one build at a time.

    Args:
      encoder: makes the records.
      splits: samples of each split.
      problems: what was seen while the samples were listed.
      check: reads everything, prints what is wrong, and returns it. What it is given, unless it is
        None, may write the records of what it reads; what it does not write is written later.
      settings: of the command.
      data_dir: the folder that the samples are of; records of another one are not replaced.

    Returns:
      The dataset. What was skipped is on stderr.

    Raises:
      OSError: the folder cannot be written to, or holds another dataset.
      ValueError: there are errors and they are not to be skipped, or skipping examples does not
        fix them.
    """
    output_dir = settings.output_dir or os.path.join(dataset_files.DATASETS_ROOT, encoder.name)
    if not is_utf8(output_dir):
        raise ValueError(
            f"output_dir {output_dir}: TensorFlow writes to paths in UTF-8 only, and this one is "
            "not. Choose another with --output_dir."
        )

    build_folder.check_writable(output_dir)

    def plan_shards() -> ShardPlan[SampleT, SplitT, SpecT]:
        return shard_plan.plan_shards(
            encoder,
            splits,
            output_dir,
            num_shards=settings.num_shards,
            is_checked=settings.is_checked,
            skip_failures=settings.skip_errors,
            data_dir=data_dir,
        )

    if not build_folder.was_begun(output_dir):
        plan_shards()  # Another program's files are known only before the folder is a build's.
    with build_folder.sole_build(output_dir):
        plan, excluded = _check(plan_shards(), problems, check, settings)
        spec, failures = _convert(plan, excluded, settings)
    _print_skipped(problems, failures)
    return spec


class BuiltDataset(PlacedDataset, Protocol):
    """A dataset that was built; its splits have `num_shards`, `max_height` and `max_width`, too."""

    def shard_paths(self, split: str, /) -> list[str]: ...


class DescribedDataset(BuiltDataset, Protocol):
    """A dataset whose examples are of classes."""

    @property
    def num_classes(self) -> int: ...


def print_summary(spec: DescribedDataset, training: str) -> None:
    """Prints what a dataset is, its splits, and the command that trains on it.

    Args:
      spec: the dataset.
      training: see `print_training`.
    """
    title = f"{spec.name}: {spec.num_classes} classes in {spec.directory}"
    print(f"\n{texts.printable(title)}")
    print_splits(spec)
    print_training(spec, training)


def print_splits(spec: BuiltDataset, unit: str = "images") -> None:
    """Prints number and size of each split's examples, which are called `unit`, and shards."""
    for name, split in spec.splits.items():
        num_bytes = sum(map(os.path.getsize, spec.shard_paths(name)))
        print(
            f"  {texts.printable(name):8} {split.num_examples:7} {unit} up to {split.max_width}x"
            f"{split.max_height}, {num_bytes / 1e6:.1f} MB, shards: {split.num_shards}"
        )


def print_training(spec: BuiltDataset, training: str) -> None:
    """Prints the command that trains on a dataset.

    Args:
      spec: the dataset.
      training: what trains on the dataset built last, of those at the usual place.
    """
    usual = os.path.abspath(dataset_files.DATASETS_ROOT)
    if os.path.dirname(os.path.abspath(spec.directory)) != usual:
        training += f" --dataset_dir={texts.printable(shlex.quote(spec.directory))}"
    if val_split.TRAIN in spec.splits:
        print(f"Train on it: {training}")
    else:
        print(f"There is no split train. To train on another: {training} --train_split=SPLIT")


def _check(
    plan: ShardPlan[SampleT, SplitT, SpecT],
    problems: Sequence[Problem],
    check: Callable[[ShardsAhead[SampleT, SplitT, SpecT] | None], Report],
    settings: BuildSettings,
) -> tuple[ShardPlan[SampleT, SplitT, SpecT], set[tuple[str, str]]]:
    """Checks what a plan is made of, if anything of it remains to be written.

    Returns:
      (the plan of what remains when the shards that were written meanwhile are in their places,
      (split, name) of the examples to skip).
    """
    is_due = bool(plan.pending) and settings.is_checked
    ahead = _start_ahead(plan, problems, settings) if is_due else None
    try:
        excluded = _find_unusable(
            problems, functools.partial(check, ahead) if is_due else None, settings.skip_errors
        )
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and ahead is not None and ahead.is_of_use:
            _tell_to_go_on()
        else:
            build_folder.remove_ahead(plan.output_dir)
        raise
    _tell_what_is_there(plan)
    if ahead is not None:
        plan = ahead.keep(excluded)
    build_folder.remove_ahead(plan.output_dir)  # Of a build with a check, before one without.
    return plan, excluded


def _start_ahead(
    plan: ShardPlan[SampleT, SplitT, SpecT], problems: Sequence[Problem], settings: BuildSettings
) -> ShardsAhead[SampleT, SplitT, SpecT] | None:
    """Returns what writes shards while they are being checked; None where that is of no use."""
    errors = [problem for problem in problems if problem.severity == ERROR]
    if settings.runner or (errors and not settings.skip_errors):
        return None
    known = {(each.split, each.name) for each in errors if each.split and each.name}
    ahead = ShardsAhead(plan, known, settings.skip_errors)
    if ahead.num_finished:
        print(
            f"{ahead.num_finished} of {len(plan.shards)} shards were written before the check was "
            "stopped, and are unchanged.",
            file=sys.stderr,
        )
    return ahead


def _tell_what_is_there(plan: ShardPlan) -> None:
    for shards, state in (
        (plan.finished, "are there already and unchanged."),
        (
            plan.outdated,
            "are written again: their files, options or the libraries have changed since.",
        ),
    ):
        if shards:
            print(f"{len(shards)} of {len(plan.shards)} shards {state}", file=sys.stderr)


def _find_unusable(
    problems: Sequence[Problem], check: Callable[[], Report] | None, skip_errors: bool
) -> set[tuple[str, str]]:
    """Reports what is wrong and returns (split, name) of the examples to skip.

    Without the check that is what was seen while the folders were listed.
    """
    split_errors: Sequence[Problem] = ()
    if check is not None:
        report = check()
        errors, split_errors, what = report.errors, report.split_errors, "the check"
    else:
        errors = tuple(problem for problem in problems if problem.severity == ERROR)
        what = "listing the files"
        text = problem_report.format_problems(problems)
        if text:
            print(text, file=sys.stderr)
    if errors and not skip_errors:
        found, them = ("1 error", "it") if len(errors) == 1 else (f"{len(errors)} errors", "them")
        remedy = (
            "; skipping examples with --on_error=skip does not fix all."
            if split_errors
            else ", or skip those examples with --on_error=skip."
        )
        raise ValueError(
            f"{what} found {found} in the dataset (above), so nothing was written. Fix {them}"
            f"{remedy}"
        )
    for problem in split_errors:
        subject = f"split {problem.split!r}: " if problem.split else ""
        raise ValueError(f"{subject}{problem.message} Nothing was written.")
    return {(error.split, error.name) for error in errors if error.split and error.name}


def _convert(
    plan: ShardPlan[SampleT, SplitT, SpecT],
    excluded: Collection[tuple[str, str]],
    settings: BuildSettings,
) -> tuple[SpecT, list[Failure]]:
    """Writes what remains of a plan, with threads or with Beam."""
    try:
        if settings.runner:
            return beam_conversion.convert(
                plan,
                runner=settings.runner,
                options=settings.beam_options,
                excluded=excluded,
                skip_failures=settings.skip_errors,
                memory_limit=settings.memory_limit,
            )
        return conversion.convert(
            plan,
            excluded=excluded,
            skip_failures=settings.skip_errors,
            num_workers=settings.num_workers,
            memory_limit=settings.memory_limit,
        )
    except KeyboardInterrupt:
        _tell_to_go_on()
        raise


def _tell_to_go_on() -> None:
    print("\nThe same command goes on where this one stopped.", file=sys.stderr)


def _print_skipped(problems: Sequence[Problem], failures: Collection[Failure]) -> None:
    known = {(failure.split, failure.name) for failure in failures}
    lines = [
        f"{problem.name}: {problem.path}: {problem.message}"
        for problem in problems
        if problem.severity == ERROR and (problem.split, problem.name) not in known
    ]
    lines += [f"{failure.split}/{failure.name}: {failure.message}" for failure in failures]
    for line in lines:
        print(texts.printable(f"skipped: {line}"), file=sys.stderr)
