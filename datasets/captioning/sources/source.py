"""What every source of a captioning dataset is: the images of each split, and their captions."""

import dataclasses
import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from common.texts import printable
from datasets.images import image_folders
from datasets.records import split_names, val_split
from datasets.records.problems import ERROR, WARNING, Problem

DEFAULT_VAL_FRACTION = 0.1
TRAIN, VAL = val_split.TRAIN, val_split.VAL


@dataclasses.dataclass(frozen=True)
class Sample:
    """One image and what people said of it."""

    name: str  # unique within its split; usually the name of its file
    path: str  # of the image
    image_id: int
    captions: tuple[str, ...]

    @property
    def paths(self) -> tuple[str]:
        return (self.path,)


@dataclasses.dataclass(frozen=True)
class Source:
    """Images on disk, sorted into splits, each with its captions.

    Attributes:
      splits: samples of each split, sorted by name.
      problems: what was wrong when the files were listed.
    """

    name: str
    splits: Mapping[str, Sequence[Sample]]
    problems: tuple[Problem, ...] = ()

    def captions(self, split: str = TRAIN) -> Iterable[str]:
        """Yields the captions of a split, image by image."""
        return (caption for sample in self.splits[split] for caption in sample.captions)


def number_of(name: str) -> int:
    """Returns a number for an image whose data give it none: the same on every machine."""
    return zlib.crc32(name.encode(errors="surrogateescape"))


def read_json(path: str) -> Any:
    """Returns what a file of JSON holds (ValueError: it is none)."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            return json.load(file)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{printable(path)} is not JSON ({error}): copy it again.") from None


def find_images(data_dir: str, name: str, expected: str) -> str:
    """Returns the folder that has an image: one of data, a folder in it, or one in such a folder.

    Args:
      data_dir: folder of data.
      name: of an image that is known to be somewhere, the first one.
      expected: what the data should be, for the message.

    Raises:
      ValueError: there is no such folder.
    """
    folders = [data_dir, *image_folders.subfolders(data_dir).values()]
    folders += [path for each in folders[1:] for path in image_folders.subfolders(each).values()]
    found = next((each for each in folders if os.path.isfile(os.path.join(each, name))), None)
    if found is None:
        raise ValueError(
            f"{printable(data_dir)} has no folder with {printable(name)}, the first image of its "
            f"table. Expected {expected}."
        )
    return found


def make_sample(
    name: str,
    path: str,
    image_id: int,
    said: Sequence[str],
    split: str,
    table: str,
    problems: list[Problem],
) -> Sample:
    """Makes the sample of an image without its empty captions, and adds what is wrong to problems.

    Args:
      name, path, image_id: of the image.
      said: its captions.
      split: its split.
      table: the file that has them.
      problems: of the source.
    """
    kept = tuple(text for text in said if text.strip())
    if len(kept) < len(said):
        message = f"{len(said) - len(kept)} of its {len(said)} captions are empty, and left out."
        problems.append(Problem(WARNING, "empty caption", message, path, split, name))
    if not kept:
        message = f"has no caption in {os.path.basename(table)}. Add one, or remove the image."
        problems.append(Problem(ERROR, "no caption", message, path, split, name))
    return Sample(name, path, image_id, kept)


def make_source(
    data_dir: str,
    found: Mapping[str, Sequence[Sample]],
    val_fraction: float | None,
    seed: int,
    problems: Sequence[Problem],
) -> Source:
    """Makes a source of the samples in a folder, after which it is named.

    Images for the split `val` are taken from `train` by chance (`val_split.draw`), where there is
    none; all captions of an image go with it.

    Args:
      data_dir: the folder.
      found: samples by what the data call their splits.
      val_fraction, seed: see `val_split.draw`.
      problems: what was seen meanwhile.

    Raises:
      ValueError: names of splits or the share are impossible.
    """
    ordered: dict[str, Sequence[Sample]] = {
        split: tuple(sorted(found[split], key=lambda each: each.name))
        for split in split_names.name_splits(found, data_dir)
    }
    splits, drawing = val_split.draw(ordered, val_fraction, seed, data_dir, DEFAULT_VAL_FRACTION)
    name = image_folders.dataset_name(data_dir)
    return Source(name, splits, (*problems, *drawing))
