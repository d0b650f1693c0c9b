"""Describes records of other programs. `describe_tfrecords_flags` has its words and flags."""

from classification.commands.describe_tfrecords_flags import DescribeOptions
from commands import descriptions
from commands.flags import Flags
from common import texts
from datasets.classification import foreign_records, specs
from datasets.records import building


def main(flags: Flags, arguments: list[str]) -> None:
    """Reads the shards and writes their description."""
    del arguments
    options = flags.options(DescribeOptions)
    directory, path = descriptions.find_folder(options.tfrecords, options.overwrite)
    spec = foreign_records.describe(
        directory,
        name=options.name or descriptions.name_of(directory),
        names=_read_names(options),
        num_workers=options.num_workers,
    )
    specs.write_spec(spec)
    print(f"{path}: {spec.num_classes} classes: {texts.first_few(spec.class_names)}")
    building.print_splits(spec)
    descriptions.warn_of_missing_splits(spec.splits)
    building.print_training(spec, "python train.py --task=classification")


def _read_names(options: DescribeOptions) -> tuple[str, ...] | None:
    """Returns the names of the classes that a flag gives; None where none does."""
    if options.class_names_file is not None:
        if options.class_names:
            raise ValueError("--class_names_file says what --class_names says; give one.")
        return foreign_records.read_names(options.class_names_file)
    return tuple(name.strip() for name in options.class_names) or None
