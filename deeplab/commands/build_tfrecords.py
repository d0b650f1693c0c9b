"""Builds records: datasets.build_tfrecords. `build_tfrecords_flags` has its words and flags."""

import contextlib
import os
import sys
from collections.abc import Collection, Sequence

from commands.flags import Flags
from common import texts
from datasets.images.memory_limit import MemoryLimit
from datasets.records import build_folder
from datasets.segmentation import beam_conversion, check_report, checks, conversion, shard_plan
from datasets.segmentation.masks import mask_values
from datasets.segmentation.shard_plan import Failure, ShardPlan
from datasets.segmentation.sources import demo, listing, open_source
from datasets.segmentation.sources.source import ERROR, Problem, Source
from datasets.segmentation.specs import DATASETS_ROOT, DatasetSpec
from deeplab.commands.build_tfrecords_flags import BuildOptions


def main(flags: Flags, arguments: list[str]) -> int:
    """Checks the source, writes the records, and says what to do next."""
    del arguments
    options = flags.options(BuildOptions)
    if options.runner:
        beam_conversion.require_beam(options.runner)
    elif options.beam_options:
        raise ValueError("--beam_options goes with --runner, the engine that takes them.")
    try:
        source = _open_source(options)
    except mask_values.MappingError as error:  # The flag is at fault, not the data.
        print(f"error: --mask_values={options.mask_values}: {error}", file=sys.stderr)
        return 2
    if options.check_only:
        return 1 if _check(options, source).errors else 0

    output_dir = options.output_dir or os.path.join(DATASETS_ROOT, source.name)
    if not listing.is_utf8(output_dir):
        raise ValueError(
            f"output_dir {output_dir}: TensorFlow writes to paths in UTF-8 only, and this one is "
            "not. Choose another with --output_dir."
        )
    with contextlib.ExitStack() as stack:
        is_locked = build_folder.was_begun(output_dir)
        if is_locked:  # Told at once, and not after a check of minutes.
            stack.enter_context(build_folder.sole_build(output_dir))
        plan = _plan(options, source, output_dir)
        excluded = _find_unusable(
            options, source, is_check_due=bool(plan.pending) and options.check
        )
        if not is_locked:  # A folder is made only for what has passed the check.
            stack.enter_context(build_folder.sole_build(output_dir))
            plan = _plan(options, source, output_dir)
        spec, failures = _convert(options, plan, excluded)
    _print_skipped(source, failures)
    _print_summary(spec)
    return 0


def _open_source(options: BuildOptions) -> Source:
    name = options.dataset or ("folder" if options.data_dir else "demo")
    data_dir = options.data_dir
    if data_dir is None:
        if name != "demo":
            raise ValueError(
                f"--dataset={name} needs --data_dir, the folder of its images and masks."
            )
        data_dir = demo.DEFAULT_FOLDER
        print(
            f"No --data_dir is given, so this is the demo: images that the project draws into "
            f"{data_dir}. For your own: --data_dir=FOLDER (with make: DATA_DIR=FOLDER); "
            "docs/datasets.md draws what it should hold.",
            file=sys.stderr,
        )
    return open_source(
        name,
        data_dir,
        classes_file=options.classes_file,
        val_fraction=options.val_fraction,
        seed=options.seed,
        mask_values=mask_values.parse(options.mask_values) if options.mask_values else None,
    )


def _check(options: BuildOptions, source: Source) -> check_report.Report:
    report = checks.check_source(
        source, num_workers=options.num_workers, memory_limit=MemoryLimit(options.memory_limit_mb)
    )
    print(check_report.format_report(report))
    return report


def _plan(options: BuildOptions, source: Source, output_dir: str) -> ShardPlan:
    return shard_plan.plan_shards(
        source,
        output_dir,
        num_shards=options.num_shards,
        gradient_format=options.gradient_format if options.gradient else None,
        is_checked=options.check,
        skip_failures=options.on_error == "skip",
    )


def _find_unusable(
    options: BuildOptions, source: Source, is_check_due: bool
) -> set[tuple[str, str]]:
    """Reports what is wrong and returns (split, name) of the examples to skip.

    Without the check that is what was seen while the folders were listed.

    Raises:
      ValueError: there are errors and they are not to be skipped, or skipping examples does not
        fix them.
    """
    split_errors: Sequence[Problem] = ()
    if is_check_due:
        report = _check(options, source)
        errors, split_errors, what = report.errors, report.split_errors, "the check"
    else:
        errors = tuple(problem for problem in source.problems if problem.severity == ERROR)
        what = "listing the files"
        text = check_report.format_problems(source.problems)
        if text:
            print(text, file=sys.stderr)
    if errors and options.on_error != "skip":
        found, them = ("1 error", "it") if len(errors) == 1 else (f"{len(errors)} errors", "them")
        raise ValueError(
            f"{what} found {found} in the dataset (above), so nothing was written. Fix {them}, or "
            "skip those examples with --on_error=skip."
        )
    for problem in split_errors:
        raise ValueError(f"split {problem.split!r}: {problem.message} Nothing was written.")
    return {(error.split, error.name) for error in errors if error.split and error.name}


def _convert(
    options: BuildOptions, plan: ShardPlan, excluded: Collection[tuple[str, str]]
) -> tuple[DatasetSpec, list[Failure]]:
    """Writes what remains of a plan, with threads or with Beam."""
    for shards, state in (
        (plan.finished, "are there already and unchanged."),
        (
            plan.outdated,
            "are written again: their images, masks, options or the libraries have changed since.",
        ),
    ):
        if shards:
            print(f"{len(shards)} of {len(plan.shards)} shards {state}", file=sys.stderr)
    skip_failures = options.on_error == "skip"
    memory_limit = MemoryLimit(options.memory_limit_mb)
    try:
        if options.runner:
            return beam_conversion.convert(
                plan,
                runner=options.runner,
                options=options.beam_options,
                excluded=excluded,
                skip_failures=skip_failures,
                memory_limit=memory_limit,
            )
        return conversion.convert(
            plan,
            excluded=excluded,
            skip_failures=skip_failures,
            num_workers=options.num_workers,
            memory_limit=memory_limit,
        )
    except KeyboardInterrupt:
        print("\nThe same command goes on where this one stopped.", file=sys.stderr)
        raise


def _print_skipped(source: Source, failures: Collection[Failure]) -> None:
    known = {(failure.split, failure.name) for failure in failures}
    lines = [
        f"{problem.name}: {problem.path}: {problem.message}"
        for problem in source.problems
        if problem.severity == ERROR and (problem.split, problem.name) not in known
    ]
    lines += [f"{failure.split}/{failure.name}: {failure.message}" for failure in failures]
    for line in lines:
        print(texts.printable(f"skipped: {line}"), file=sys.stderr)


def _print_summary(spec: DatasetSpec) -> None:
    title = f"{spec.name}: {spec.num_classes} classes in {spec.directory}"
    print(f"\n{texts.printable(title)}")
    for name, split in spec.splits.items():
        num_bytes = sum(os.path.getsize(path) for path in spec.shard_paths(name))
        print(
            f"  {texts.printable(name):8} {split.num_examples:7} images up to {split.max_width}x"
            f"{split.max_height}, {num_bytes / 1e6:.1f} MB, shards: {split.num_shards}"
        )
    print("Train on it: python train.py")
