"""Opens published datasets in which images and masks lie in folders under the same names."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from datasets.records.problems import Problem
from datasets.segmentation.sources import listing
from datasets.segmentation.sources.pairing import Pairs, open_splits, pair_folders
from datasets.segmentation.sources.source import Sample

_AFFIXES = "names"  # Kind of the warning that names differ by an affix, which is known here.


class Part(NamedTuple):
    """A folder of images and one of masks, and what comes before the names of their examples."""

    images: str
    masks: str
    prefix: str = ""


def open_parts(
    splits: Mapping[str, Sequence[Part]],
) -> tuple[dict[str, tuple[Sample, ...]], tuple[Problem, ...]]:
    """Pairs the images and masks of splits, each of which has one or more pairs of folders.

    Parts whose folder of images does not exist are passed over, and splits that have no other.

    Raises:
      ValueError: no split is there, or what `open_splits` raises.
    """
    found = {
        split: [part for part in parts if os.path.isdir(part.images)]
        for split, parts in splits.items()
    }
    found = {split: parts for split, parts in found.items() if parts}
    if not found:
        images = [part.images for parts in splits.values() for part in parts]
        raise ValueError(f"there is no folder of images; the first expected is {images[0]}.")
    return open_splits(found, _open_split)


def _open_split(split: str, parts: Sequence[Part]) -> Pairs:
    samples: list[Sample] = []
    problems: list[Problem] = []
    for part in parts:
        try:
            pairs, found = pair_folders(split, part.images, part.masks)
        except listing.NoMasksError:
            if len(parts) == 1:
                raise
            raise listing.NoMasksError(part.masks, "has no masks.") from None
        prefix = part.prefix
        samples += [dataclasses.replace(each, name=prefix + each.name) for each in pairs]
        problems += [
            dataclasses.replace(each, name=each.name and prefix + each.name)
            for each in found
            if each.kind != _AFFIXES
        ]
    return tuple(sorted(samples, key=lambda sample: sample.name)), tuple(problems)
