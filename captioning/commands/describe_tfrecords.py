"""Describes records of other programs. `describe_tfrecords_flags` has its words and flags."""

import os
import sys

from captioning.commands.describe_tfrecords_flags import DescribeOptions
from commands import descriptions
from commands.flags import Flags
from common.texts import printable
from datasets.captioning import check_report, foreign_records, specs, tokens
from datasets.captioning.foreign_records import Description
from datasets.records import building


def main(flags: Flags, arguments: list[str]) -> None:
    """Reads the shards and writes their description."""
    del arguments
    options = flags.options(DescribeOptions)
    directory, path = descriptions.find_folder(options.tfrecords, options.overwrite)
    found = foreign_records.describe(
        directory,
        name=options.name or descriptions.name_of(directory),
        word_counts_file=options.word_counts_file,
        splitting=options.splitting or _known_splitting(path) or tokens.IM2TXT,
        num_workers=options.num_workers,
    )
    specs.write_spec(found.spec)
    print(f"{path}: a vocabulary of {len(found.spec.words)} words")
    print(_format_splits(found))
    for one, other, count in found.leaks():
        print(
            f"{count} {'image is' if count == 1 else 'images are'} in both {printable(one)} and "
            f"{printable(other)}: scores of either mean little after training on the other.",
            file=sys.stderr,
        )
    descriptions.warn_of_missing_splits(found.spec.splits)
    building.print_training(found.spec, "python train.py --task=captioning")


def _known_splitting(path: str) -> str | None:
    """Returns the splitting that a description has which is to be replaced; None without one."""
    try:
        return specs.read_spec(os.path.dirname(path)).splitting
    except (OSError, ValueError):
        return None


def _format_splits(found: Description) -> str:
    """A table of the images and captions of each split, and of their shards."""
    spec = found.spec
    sizes = {name: sum(map(os.path.getsize, spec.shard_paths(name))) for name in spec.splits}
    return check_report.format_splits(
        spec.splits,
        {name: len(ids) for name, ids in found.image_ids.items()},
        found.unknown,
        ["up to", *(f"{each.max_width}x{each.max_height}" for each in spec.splits.values())],
        ["MB", *(f"{size / 1e6:.1f}" for size in sizes.values())],
        ["shards", *(str(each.num_shards) for each in spec.splits.values())],
    )
