"""Says what is left out, or guessed, while images are paired with masks."""

import collections
import os
from collections.abc import Collection, Iterator, Mapping

from common import image_files
from common.texts import first_few, printable
from datasets.segmentation.sources import listing, mask_names
from datasets.segmentation.sources.listing import FileIndex
from datasets.segmentation.sources.source import ERROR, WARNING, Problem


def describe_affixes(
    affixes: tuple[mask_names.Affix, mask_names.Affix] | None,
    images: Mapping[str, str],
    masks: Mapping[str, str],
) -> Iterator[Problem]:
    name = next((name for name in images if name in masks), None)
    if affixes is not None and name is not None:
        message = (
            f"masks are called {affixes[1]} and images {affixes[0]}, so this is taken for the "
            f"mask of {os.path.basename(images[name])}, and so on. Check that this is right."
        )
        yield Problem(WARNING, "names", message, masks[name])


def describe_unnameable(image_index: FileIndex, mask_index: FileIndex) -> Iterator[Problem]:
    """Reports names that are not UTF-8, an image and its mask together."""
    seen = set()
    for index in (image_index, mask_index):
        for path in index.unnameable:
            name = os.path.splitext(os.path.relpath(path, index.folder))[0]
            if name not in seen:
                seen.add(name)
                message = (
                    "the name of this file is not UTF-8, as records need it. Rename it, and its "
                    "partner likewise."
                )
                yield Problem(ERROR, "name", message, path, None, printable(name))


def describe_unused(index: FileIndex, taken: set[str], what: str) -> Iterator[Problem]:
    others = [name for name in index.others if os.path.join(index.folder, name) not in taken]
    if others:
        named = first_few([listing.describe_file(name) for name in others])
        message = (
            f"{_count_files(len(others))} left out (not {what} that are read, or a second file of "
            f"one name): {named}."
        )
        yield Problem(WARNING, "unused", message, index.folder)


def describe_lonely(
    folder: str,
    paths: Mapping[str, str],
    lonely: set[str],
    other_folder: str,
    others: str,
) -> Iterator[Problem]:
    by_folder = collections.Counter(os.path.dirname(name) for name in paths if name in lonely)
    for subfolder, count in by_folder.items():
        message = (
            f"{_count_files(count)} left out, since {other_folder} has no folder {subfolder!r} and "
            f"no {others} of these names."
        )
        yield Problem(WARNING, "unused", message, os.path.join(folder, subfolder))


def describe_outside(data_dir: str, folders: Collection[str]) -> Iterator[Problem]:
    """Reports images that lie beside the folders of images and masks, by the folder they are in."""
    counts: collections.Counter[str] = collections.Counter()
    for relative in listing.walk(data_dir):
        parent = os.path.dirname(os.path.join(data_dir, relative))
        if relative.lower().endswith(image_files.ENDINGS) and not any(
            parent == folder or parent.startswith(f"{folder}{os.sep}") for folder in folders
        ):
            counts[parent] += 1
    for parent, count in counts.items():
        message = f"{_count_files(count)} left out: this is no folder of images or masks."
        yield Problem(WARNING, "unused", message, parent)


def describe_untrainable(data_dir: str, splits: Collection[str]) -> Iterator[Problem]:
    """Reports that no split is one to train on."""
    if not any(split.startswith("train") for split in splits):
        message = (
            f"there is no split 'train', only {first_few(splits)}: train.py needs --train_split "
            "then. Or is data_dir a folder too high?"
        )
        yield Problem(WARNING, "split", message, data_dir)


def _count_files(count: int) -> str:
    return "1 file is" if count == 1 else f"{count} files are"
