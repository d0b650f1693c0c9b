"""Says what is left out, or guessed, while images are paired with masks."""

import collections
import os
from collections.abc import Collection, Iterator, Mapping, Sequence

from common import image_files
from common.texts import first_few, printable
from datasets.images import image_folders
from datasets.records import problems
from datasets.records.problems import ERROR, WARNING, Problem
from datasets.segmentation.sources.listing import FileIndex


def describe_unlisted(path: str, names: Sequence[str], reason: str) -> Iterator[Problem]:
    """Reports names that are in no split, if there are any."""
    if names:
        yield problems.unused(path, len(names), f", {reason}: {first_few(names)}")


def describe_unnameable(*indices: FileIndex) -> Iterator[Problem]:
    """Reports names that are not UTF-8, an image and its mask together."""
    first_paths: dict[str, str] = {}
    for index in indices:
        for path in index.unnameable:
            name = os.path.splitext(os.path.relpath(path, index.folder))[0]
            first_paths.setdefault(name, path)
    message = "the name of this file is not UTF-8, as records need it. Rename it and its partner."
    for name, path in first_paths.items():
        yield Problem(ERROR, "name", message, path, None, printable(name))


def describe_unused(index: FileIndex, taken: Collection[str], what: str) -> Iterator[Problem]:
    """Reports files that are no images, and second files of one name."""
    others = [name for name in index.others if os.path.join(index.folder, name) not in taken]
    if others:
        named = first_few(map(image_folders.describe_file, others))
        reason = f" (not {what} that are read, or a second file of one name): {named}"
        yield problems.unused(index.folder, len(others), reason)


def describe_lonely(
    folder: str, lonely: Collection[str], other_folder: str, others: str
) -> Iterator[Problem]:
    """Reports subfolders that have no counterpart in the other folder, whose kind is `others`."""
    counts = collections.Counter(map(os.path.dirname, lonely))
    for subfolder, count in counts.items():
        reason = (
            f", since {other_folder} has no folder {subfolder!r} and no {others} of these names"
        )
        yield problems.unused(os.path.join(folder, subfolder), count, reason)


def describe_outside(data_dir: str, folders: Collection[str]) -> Iterator[Problem]:
    """Reports images that lie beside the folders of images and masks, by the folder they are in."""
    above = tuple(os.path.join(folder, "") for folder in folders)
    counts: collections.Counter[str] = collections.Counter()
    for relative in image_folders.walk(data_dir):
        path = os.path.join(data_dir, relative)
        if path.lower().endswith(image_files.ENDINGS) and not path.startswith(above):
            counts[os.path.dirname(path)] += 1
    for parent, count in counts.items():
        yield problems.unused(parent, count, ": this is not a folder of images or masks")


def describe_untrainable(data_dir: str, splits: Mapping[str, object]) -> Iterator[Problem]:
    """Reports that no split is one to train on."""
    if not any(split.startswith("train") for split in splits):
        message = (
            f"there is no split 'train', only {first_few(splits)}: train.py needs --train_split "
            "then. Or is data_dir a folder too high?"
        )
        yield Problem(WARNING, "split", message, data_dir)
