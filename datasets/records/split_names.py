"""Names of splits: those that people give their folders and lists, and those that records have."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence

from common.texts import printable
from datasets.images.image_folders import fold, is_utf8

# In the order in which splits are shown.
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def name_splits(names: Iterable[str], where: str) -> dict[str, str]:
    """Returns the names that people gave the splits by the names that records have.

    Such as {"train": "Train", "val": "validation"}, in the order train, val, test, others by name.

    Raises:
      ValueError: two of the names, which were found in the folder `where`, mean one split, or one
        is not UTF-8.
    """
    names = sorted(names)
    named: dict[str, str] = {}
    for name in names:
        if not is_utf8(name):
            raise ValueError(
                f"{printable(os.path.join(where, name))}: the name is not UTF-8. Rename it."
            )
        split = SPLITS.get(fold(name), name)
        if split in names:
            split = name  # Another folder already has the split's own name.
        if split in named:
            raise ValueError(
                f"{where} holds {named[split]!r} and {name!r}, and both mean the split {split!r}. "
                "Rename or remove one of them."
            )
        named[split] = name
    known = [split for split in dict.fromkeys(SPLITS.values()) if split in named]
    return {split: named[split] for split in dict.fromkeys((*known, *sorted(named)))}


def name_shards(shards: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Returns the files of shards by the names that records give their splits, in their order.

    Such as "flowers_validation", called "val". Where two of them mean one split all keep their
    names.

    Args:
      shards: names of files by what they say of a split.
    """
    named = {_last_word(split): split for split in shards}
    if len(named) < len(shards):
        return dict(shards)
    return {name: shards[named[name]] for name in name_splits(named, "")}


def _last_word(split: str) -> str:
    *_, last = re.split(r"[-_.]", split)
    return SPLITS.get(fold(last), split)
