"""Describes records of other programs. `describe_tfrecords_flags` has its words and flags."""

import os
import sys

from classification.commands.describe_tfrecords_flags import DescribeOptions
from commands.flags import Flags
from common import texts
from datasets.classification import foreign_records, specs
from datasets.records import building
from datasets.records.build_folder import DATASET_FILE


def main(flags: Flags, arguments: list[str]) -> None:
    """Reads the shards and writes their description."""
    del arguments
    options = flags.options(DescribeOptions)
    directory = options.tfrecords
    if directory is None:
        raise ValueError("--tfrecords is missing: give the folder of the shards.")
    if not os.path.isdir(directory):
        raise ValueError(f"--tfrecords={directory} is not a folder.")
    path = os.path.join(directory, DATASET_FILE)
    if os.path.exists(path) and not options.overwrite:
        raise ValueError(f"{path} exists already; --overwrite replaces it.")
    spec = foreign_records.describe(
        directory,
        name=options.name or os.path.basename(os.path.abspath(directory)),
        names=_read_names(options),
        num_workers=options.num_workers,
    )
    specs.write_spec(spec)
    print(f"{path}: {spec.num_classes} classes: {texts.first_few(spec.class_names)}")
    building.print_splits(spec)
    for name, flag in (("train", "train.py --train_split"), ("val", "eval.py --eval_split")):
        if name not in spec.splits:
            print(f"There is no split {name!r}: name another with {flag}.", file=sys.stderr)
    print(f"Train on it: python train.py --task=classification --dataset_dir={directory}")


def _read_names(options: DescribeOptions) -> tuple[str, ...] | None:
    """Returns the names of the classes that a flag gives; None where none does."""
    if options.class_names_file is not None:
        if options.class_names:
            raise ValueError("--class_names_file says what --class_names says; give one.")
        return foreign_records.read_names(options.class_names_file)
    return tuple(name.strip() for name in options.class_names) or None
