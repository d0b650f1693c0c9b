"""Flickr8k and Flickr30k, as their authors and as Kaggle give them away, or any table like theirs.

    flickr8k/                                 flickr30k/
      Flickr8k.token.txt                        results_20130124.token, or results.csv
      Flickr_8k.trainImages.txt   (or none)     flickr30k_images/1000092795.jpg
      Flickr_8k.devImages.txt
      Flickr_8k.testImages.txt
      Flicker8k_Dataset/a.jpg

A line of a table is `a.jpg#0<tab>caption`, `a.jpg| 0| caption`, or `a.jpg,caption` below a heading.
Lists of images that are named after a split choose it; without any a share is taken for `val`.
Without a table, Karpathy's file is read (`karpathy_splits`).
"""

import csv
import glob
import os
import re
from collections.abc import Iterator

from common.texts import first_few, printable
from datasets.captioning.sources import karpathy_splits, source
from datasets.captioning.sources.source import Sample, Source
from datasets.images import image_folders
from datasets.records import split_names
from datasets.records.problems import WARNING, Problem

EXPECTED = "a table of captions (Flickr8k.token.txt, results.csv, captions.txt) and its images"
_TABLES = ("*.token.txt", "*.token", "results*.csv", "captions*.csv", "captions*.txt")
_LISTS = re.compile(r"(?i).*?(?P<split>train|training|dev|val|validation|test)_?images?\.txt")
_NUMBERED = re.compile(r"(?P<name>.+)#(?P<number>\d+)")
_HEADINGS = ("image", "image_name", "filename", "file_name")


def open_source(data_dir: str, *, val_fraction: float | None = None, seed: int = 0) -> Source:
    """Opens a folder, after which the dataset is named.

    Args:
      data_dir: the folder.
      val_fraction, seed: see `source.make_source`.

    Raises:
      ValueError: the folder has another layout, or a file is not as expected.
    """
    data_dir = os.path.normpath(data_dir)
    image_folders.require_folder(data_dir, EXPECTED)
    table = _find_table(data_dir)
    if table is None:
        if karpathy_splits.find_files(data_dir):
            return karpathy_splits.open_source(data_dir, val_fraction=val_fraction, seed=seed)
        raise ValueError(
            f"{printable(data_dir)} holds {image_folders.name_entries(data_dir)} and no table of "
            f"captions. Expected {EXPECTED}."
        )
    captions: dict[str, list[str]] = {}
    for name, caption in _read_table(table):
        captions.setdefault(name, []).append(caption)
    folder = source.find_images(data_dir, next(iter(captions)), EXPECTED)
    problems: list[Problem] = []
    found: dict[str, list[Sample]] = {}
    for split, name in _split(data_dir, captions, table, problems):
        path = os.path.join(folder, name)
        sample = source.make_sample(
            name, path, source.number_of(name), captions[name], split, table, problems
        )
        found.setdefault(split, []).append(sample)
    if source.TRAIN not in found:
        raise ValueError(
            f"{printable(data_dir)} has lists of {', '.join(found)}, and none of train. Expected "
            "a list such as Flickr_8k.trainImages.txt, or no lists."
        )
    return source.make_source(data_dir, found, val_fraction, seed, problems)


def _find_table(data_dir: str) -> str | None:
    folder = glob.escape(data_dir)
    tables = (path for each in _TABLES for path in sorted(glob.glob(os.path.join(folder, each))))
    return next(tables, None)


def _read_table(path: str) -> Iterator[tuple[str, str]]:
    """Yields (file name, caption) of each line (ValueError: a line that is none)."""
    count = 0
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        first = file.readline()
        separator = next((each for each in ("\t", "|") if each in first), ",")
        file.seek(0)
        rows = (
            csv.reader(file, strict=False)
            if separator == ","
            else (line.rstrip("\r\n").split(separator) for line in file)
        )
        for number, row in enumerate(rows, start=1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or (number == 1 and cells[0].lower() in _HEADINGS):
                continue
            if len(cells) < 2 or not cells[0]:
                raise ValueError(
                    f"{printable(path)}, line {number}: {printable(separator.join(row)[:60])!r} is "
                    "no image and caption. Expected a line such as a.jpg#0<tab>A dog runs."
                )
            numbered = _NUMBERED.fullmatch(cells[0])
            has_number = separator == "|" and len(cells) > 2 and cells[1].isdecimal()
            texts = cells[2:] if has_number else cells[1:]
            count += 1
            yield numbered["name"] if numbered else cells[0], separator.join(texts)
    if not count:
        raise ValueError(f"{printable(path)} has no captions. Expected {EXPECTED}.")


def _split(
    data_dir: str, names: dict[str, list[str]], table: str, problems: list[Problem]
) -> Iterator[tuple[str, str]]:
    """Yields (split, name) of the images; those of no list are left out where there are lists."""
    lists: dict[str, str] = {}
    for entry in sorted(os.listdir(data_dir)):
        match = _LISTS.fullmatch(entry)
        if match:
            split = split_names.SPLITS[match["split"].lower()]
            lists.setdefault(split, os.path.join(data_dir, entry))
    if not lists:
        yield from ((source.TRAIN, name) for name in names)
        return
    listed: set[str] = set()
    for split, path in lists.items():
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            members = [line.strip() for line in file if line.strip()]
        unknown = [name for name in members if name not in names]
        if unknown:
            message = (
                f"{len(unknown)} images without a caption in {os.path.basename(table)}: "
                f"{first_few(unknown)}. They are left out."
            )
            problems.append(Problem(WARNING, "no caption", message, path, split))
        listed.update(members)
        yield from ((split, name) for name in members if name in names)
    rest = [name for name in names if name not in listed]
    if rest:
        message = f"{len(rest)} images are in no list, and left out: {first_few(rest)}."
        problems.append(Problem(WARNING, "unused", message, table))
