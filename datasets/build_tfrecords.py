"""Builds TFRecords and `dataset.json` from images and masks; `make tfrecords` runs it.

    python -m datasets.build_tfrecords --dataset=folder --data_dir=my_images
    python -m datasets.build_tfrecords --dataset=camvid --data_dir=CamVid --check_only

Everything is checked first. A run that was interrupted goes on where it stopped when the same
command is given again.
"""

from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

import contextlib
import os
import sys
from collections.abc import Collection, Mapping, Sequence

from absl import flags

from common import texts
from datasets.images.memory_limit import DEFAULT_LIMIT_MB, MemoryLimit
from datasets.records import build_folder, tfrecords
from datasets.segmentation import (
    beam_conversion,
    check_report,
    checks,
    conversion,
    record_format,
    shard_plan,
)
from datasets.segmentation.masks import mask_values
from datasets.segmentation.shard_plan import Failure, ShardPlan
from datasets.segmentation.sources import SOURCES, demo, listing, open_source
from datasets.segmentation.sources.source import ERROR, Problem, Source
from datasets.segmentation.specs import DATASETS_ROOT, DatasetSpec


class _MaskValuesParser(flags.ArgumentParser):
    """Parses '0:0,255:1'."""

    syntactic_help = "pairs VALUE:ID with commas between them"

    def parse(self, argument: str | Mapping[int, int]) -> Mapping[int, int]:
        return mask_values.parse(argument) if isinstance(argument, str) else argument


_DATASET = flags.DEFINE_enum(
    "dataset",
    None,
    list(SOURCES),
    "What data_dir holds: images and masks of your own (folder), a published dataset, or the "
    "demo, which is drawn if it is not there. Default: folder with --data_dir, demo without.",
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    f"Folder of the images and masks. Only the demo has a default: {demo.DEFAULT_FOLDER}.",
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    None,
    f"Folder of the records. Default: {os.path.join(DATASETS_ROOT, 'NAME')}, where NAME is the "
    "name of the dataset or, for images of your own, that of their folder.",
)
_NUM_SHARDS = flags.DEFINE_integer(
    "num_shards",
    None,
    "Shards per split. Default: about one per 128 images.",
    lower_bound=1,
    upper_bound=tfrecords.MAX_SHARDS,
)
_CLASSES_FILE = flags.DEFINE_string(
    "classes_file",
    None,
    "JSON file of class names, colors and ignore label, for images of your own. Default: "
    "classes.json in data_dir, if it is there.",
)
_MASK_VALUES = flags.DEFINE(
    _MaskValuesParser(),
    "mask_values",
    None,
    "Which class each value of the masks is, as VALUE:ID pairs, for masks of your own whose values "
    "are not class ids: 0:0,255:1 for masks of 0 and 255. Name every value that occurs; 255:255 "
    "keeps 255 ignored. Default: values are class ids.",
)
_VAL_FRACTION = flags.DEFINE_float(
    "val_fraction",
    None,
    "Share of the images that becomes the split val, for a folder without splits. Default: 0.2.",
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Another seed chooses other images for val_fraction; nothing else changes."
)
_ON_ERROR = flags.DEFINE_enum(
    "on_error",
    "fail",
    ["fail", "skip"],
    "What to do with images that cannot be used: fail before anything is written, or skip them.",
)
_GRADIENT = flags.DEFINE_bool(
    "gradient",
    True,
    "Store the Laplacian gradient channel in the records. Without it records are a fifth as "
    "large, and training computes the same channel from the images when it is asked to.",
)
_GRADIENT_FORMAT = flags.DEFINE_enum(
    "gradient_format",
    record_format.GRADIENT_FORMATS[0],
    record_format.GRADIENT_FORMATS,
    "How the gradient channel is stored: as plain integers, which is fast, or as a PNG file, which "
    "takes three fifths of the space and longer to build and to train from.",
)
_CHECK = flags.DEFINE_bool(
    "check",
    True,
    "Check everything before writing. --nocheck saves that time on data that were checked before; "
    "what cannot be read or has wrong ids is noticed all the same.",
)
_CHECK_ONLY = flags.DEFINE_bool(
    "check_only", False, "Only check and report; write nothing. Exit status 1 if there are errors."
)
_NUM_WORKERS = flags.DEFINE_integer(
    "num_workers", None, "Threads that read and encode images. Default: one per core.", 1
)

_MEMORY_LIMIT_MB = flags.DEFINE_integer(
    "memory_limit_mb",
    DEFAULT_LIMIT_MB,
    "Megabytes that the images being processed may take together, besides the 600 of the program: "
    "with huge images fewer are processed at once, and one that alone takes more is an error.",
    lower_bound=1,
)

_RUNNER = flags.DEFINE_string(
    "runner",
    None,
    "Convert on Apache Beam with this runner, such as DirectRunner (this machine), FlinkRunner or "
    "DataflowRunner, instead of threads. Needs `make setup-beam`; the check still runs here.",
)
_BEAM_OPTIONS = flags.DEFINE_string(
    "beam_options",
    "",
    "Further options of Beam and its runner, in one string: '--direct_num_workers=2'.",
)


def main(_: list[str]) -> int:
    """Checks the source, writes the records, and says what to do next."""
    if _RUNNER.value:
        beam_conversion.require_beam(_RUNNER.value)
    elif _BEAM_OPTIONS.value:
        raise ValueError("--beam_options goes with --runner, the engine that takes them.")
    try:
        source = _open_source()
    except mask_values.MappingError as error:  # The flag is at fault, not the data.
        print(f"error: {error}", file=sys.stderr)
        return 2
    if _CHECK_ONLY.value:
        return 1 if _check(source).errors else 0

    output_dir = _OUTPUT_DIR.value or os.path.join(DATASETS_ROOT, source.name)
    if not listing.is_utf8(output_dir):
        raise ValueError(
            f"output_dir {output_dir}: TensorFlow writes to paths in UTF-8 only, and this one is "
            "not. Choose another with --output_dir."
        )
    with contextlib.ExitStack() as stack:
        is_locked = build_folder.was_begun(output_dir)
        if is_locked:  # Told at once, and not after a check of minutes.
            stack.enter_context(build_folder.sole_build(output_dir))
        plan = _plan(source, output_dir)
        excluded = _find_unusable(source, is_check_due=bool(plan.pending) and _CHECK.value)
        if not is_locked:  # A folder is made only for what has passed the check.
            stack.enter_context(build_folder.sole_build(output_dir))
            plan = _plan(source, output_dir)
        spec, failures = _convert(plan, excluded)
    _print_skipped(source, failures)
    _print_summary(spec)
    return 0


def _open_source() -> Source:
    name = _DATASET.value or ("folder" if _DATA_DIR.value else "demo")
    data_dir = _DATA_DIR.value
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
        classes_file=_CLASSES_FILE.value,
        val_fraction=_VAL_FRACTION.value,
        seed=_SEED.value,
        mask_values=_MASK_VALUES.value,
    )


def _check(source: Source) -> check_report.Report:
    report = checks.check_source(
        source, num_workers=_NUM_WORKERS.value, memory_limit=MemoryLimit(_MEMORY_LIMIT_MB.value)
    )
    print(check_report.format_report(report))
    return report


def _plan(source: Source, output_dir: str) -> ShardPlan:
    return shard_plan.plan_shards(
        source,
        output_dir,
        num_shards=_NUM_SHARDS.value,
        gradient_format=_GRADIENT_FORMAT.value if _GRADIENT.value else None,
        is_checked=_CHECK.value,
        skip_failures=_ON_ERROR.value == "skip",
    )


def _find_unusable(source: Source, is_check_due: bool) -> set[tuple[str, str]]:
    """Reports what is wrong and returns (split, name) of the examples to skip.

    Without the check that is what was seen while the folders were listed.

    Raises:
      ValueError: there are errors and they are not to be skipped, or skipping examples does not
        fix them.
    """
    split_errors: Sequence[Problem] = ()
    if is_check_due:
        report = _check(source)
        errors, split_errors, what = report.errors, report.split_errors, "the check"
    else:
        errors = tuple(problem for problem in source.problems if problem.severity == ERROR)
        what = "listing the files"
        text = check_report.format_problems(source.problems)
        if text:
            print(text, file=sys.stderr)
    if errors and _ON_ERROR.value != "skip":
        found, them = ("1 error", "it") if len(errors) == 1 else (f"{len(errors)} errors", "them")
        raise ValueError(
            f"{what} found {found} in the dataset (above), so nothing was written. Fix {them}, or "
            "skip those examples with --on_error=skip."
        )
    for problem in split_errors:
        raise ValueError(f"split {problem.split!r}: {problem.message} Nothing was written.")
    return {(error.split, error.name) for error in errors if error.split and error.name}


def _convert(
    plan: ShardPlan, excluded: Collection[tuple[str, str]]
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
    skip_failures = _ON_ERROR.value == "skip"
    memory_limit = MemoryLimit(_MEMORY_LIMIT_MB.value)
    try:
        if _RUNNER.value:
            return beam_conversion.convert(
                plan,
                runner=_RUNNER.value,
                options=_BEAM_OPTIONS.value,
                excluded=excluded,
                skip_failures=skip_failures,
                memory_limit=memory_limit,
            )
        return conversion.convert(
            plan,
            excluded=excluded,
            skip_failures=skip_failures,
            num_workers=_NUM_WORKERS.value,
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


if __name__ == "__main__":
    launcher.run(main)
