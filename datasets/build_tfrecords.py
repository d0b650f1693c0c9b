"""Builds TFRecords and `dataset.json` from pictures and masks; `make tfrecords` runs it.

    python -m datasets.build_tfrecords --dataset=folder --data_dir=my_pictures
    python -m datasets.build_tfrecords --dataset=camvid --data_dir=CamVid --check_only

Everything is checked first. A run that was interrupted goes on where it stopped when the same
command is given again.
"""

import command_line  # before TensorFlow, whose start it quiets

# isort: split

import os
import sys

from absl import flags

from datasets import (
    beam_conversion,
    check_report,
    checks,
    conversion,
    segmentation,
    shard_plan,
)
from datasets.sources import SOURCES, demo, open_source
from datasets.sources.source import Source
from datasets.specs import DATASETS_ROOT, DatasetSpec

_DATASET = flags.DEFINE_enum(
    "dataset",
    None,
    list(SOURCES),
    "What data_dir holds: pictures and masks of your own (folder), a published dataset, or the "
    "demo, which is drawn if it is not there. Default: folder with --data_dir, demo without.",
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    f"Folder of the pictures and masks. Only the demo has a default: {demo.DEFAULT_FOLDER}.",
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    None,
    f"Folder of the records. Default: {os.path.join(DATASETS_ROOT, 'NAME')}, where NAME is the "
    "name of the dataset or, for pictures of your own, that of their folder.",
)
_NUM_SHARDS = flags.DEFINE_integer(
    "num_shards",
    None,
    "Files for each split. Default: about one for 128 pictures.",
    lower_bound=1,
    upper_bound=99999,
)
_CLASSES_FILE = flags.DEFINE_string(
    "classes_file",
    None,
    "JSON file of class names, colours and ignore label, for pictures of your own. Default: "
    "classes.json in data_dir, if it is there.",
)
_VAL_FRACTION = flags.DEFINE_float(
    "val_fraction",
    None,
    "Share of the pictures that becomes the split val, for a folder without splits. Default: 0.2.",
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Another seed chooses other pictures for val_fraction; nothing else changes."
)
_ON_ERROR = flags.DEFINE_enum(
    "on_error",
    "fail",
    ["fail", "skip"],
    "What to do with pictures that cannot be used: fail before anything is written, or skip them.",
)
_GRADIENT = flags.DEFINE_bool(
    "gradient",
    True,
    "Store the Laplacian gradient channel in the records. Without it records are a fifth as "
    "large, and training computes the same channel from the pictures when it is asked to.",
)
_GRADIENT_FORMAT = flags.DEFINE_enum(
    "gradient_format",
    segmentation.GRADIENT_FORMATS[0],
    segmentation.GRADIENT_FORMATS,
    "How the gradient channel is stored: as plain integers, which is fast, or as a PNG file, which "
    "takes three fifths of the space and longer to build and to train from.",
)
_CHECK = flags.DEFINE_bool(
    "check",
    True,
    "Check everything before writing. --nocheck saves the time on data that were checked before; "
    "what cannot be read or has wrong ids is noticed all the same.",
)
_CHECK_ONLY = flags.DEFINE_bool(
    "check_only", False, "Only check and report; write nothing. Exit status 1 if there are errors."
)
_NUM_WORKERS = flags.DEFINE_integer(
    "num_workers", None, "Threads that read and encode pictures. Default: one a core.", 1
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
    source = _open_source()
    if _CHECK_ONLY.value:
        report = checks.check_source(source, num_workers=_NUM_WORKERS.value)
        print(check_report.format_report(report))
        return 1 if report.errors else 0

    skip_failures = _ON_ERROR.value == "skip"
    output_dir = _OUTPUT_DIR.value or os.path.join(DATASETS_ROOT, source.name)
    plan = shard_plan.plan_shards(
        source,
        output_dir,
        num_shards=_NUM_SHARDS.value,
        gradient_format=_GRADIENT_FORMAT.value if _GRADIENT.value else None,
        is_checked=_CHECK.value,
        skip_failures=skip_failures,
    )
    excluded = _check(source, skip_failures) if plan.pending and _CHECK.value else ()
    if plan.finished:
        print(
            f"{len(plan.finished)} of {len(plan.shards)} shards are there already and unchanged.",
            file=sys.stderr,
        )
    if plan.outdated:
        print(
            f"{len(plan.outdated)} of {len(plan.shards)} shards are written again: their pictures, "
            "masks, options or the libraries have changed since.",
            file=sys.stderr,
        )
    try:
        if _RUNNER.value:
            spec, failures = beam_conversion.convert(
                plan,
                runner=_RUNNER.value,
                options=_BEAM_OPTIONS.value,
                excluded=excluded,
                skip_failures=skip_failures,
            )
        else:
            spec, failures = conversion.convert(
                plan, excluded=excluded, skip_failures=skip_failures, num_workers=_NUM_WORKERS.value
            )
    except KeyboardInterrupt:
        print("\nThe same command goes on where this one stopped.", file=sys.stderr)
        raise
    for failure in failures:
        print(f"skipped: {failure.split}/{failure.name}: {failure.message}", file=sys.stderr)
    _print_summary(spec)
    return 0


def _open_source() -> Source:
    name = _DATASET.value or ("folder" if _DATA_DIR.value else "demo")
    data_dir = _DATA_DIR.value
    if data_dir is None:
        if name != "demo":
            raise ValueError(
                f"--dataset={name} needs --data_dir, the folder of its pictures and masks."
            )
        data_dir = demo.DEFAULT_FOLDER
    return open_source(
        name,
        data_dir,
        classes_file=_CLASSES_FILE.value,
        val_fraction=_VAL_FRACTION.value,
        seed=_SEED.value,
    )


def _check(source: Source, skip_failures: bool) -> set[tuple[str, str]]:
    """Reports what is wrong and returns (split, name) of the examples to leave out.

    Raises:
      ValueError: there are errors and they are not to be skipped, or leaving out examples does not
        mend them.
    """
    report = checks.check_source(source, num_workers=_NUM_WORKERS.value)
    print(check_report.format_report(report))
    if report.errors and not skip_failures:
        raise ValueError(
            f"the check found {len(report.errors)} errors in the dataset (above), so nothing was "
            "written. Mend them, or leave those examples out with --on_error=skip."
        )
    if report.split_errors:
        first = report.split_errors[0]
        raise ValueError(f"split {first.split!r}: {first.message} Nothing was written.")
    return {(split, name) for split in source.splits for name in report.failed_names(split)}


def _print_summary(spec: DatasetSpec) -> None:
    print(f"\n{spec.name}: {spec.num_classes} classes in {spec.directory}")
    for name, split in spec.splits.items():
        num_bytes = sum(os.path.getsize(path) for path in spec.shard_paths(name))
        print(
            f"  {name:8} {split.num_examples:7} pictures up to {split.max_width}x"
            f"{split.max_height}, {num_bytes / 1e6:.1f} MB, shards: {split.num_shards}"
        )
    print("Train on it: python train.py")


if __name__ == "__main__":
    command_line.run(main)
