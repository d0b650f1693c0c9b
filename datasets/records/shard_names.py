"""Shards of other programs, whichever of the usual ways they are called in.

train-00000-of-00010             as TensorFlow's own programs write them
train-00000-of-00010.tfrecord    (or .tfrecords, .record, .tfrec …)
train.record-00000-of-00010
train-3.tfrecord, train_003.tfrecord
train.tfrecord
"""

import os
import re
from typing import NamedTuple

_ENDING = r"\.(?:tfrecords?|records?|tfrecs?|tfr)"
_NAMES = (
    re.compile(rf"(?P<split>[^.].*?)(?:{_ENDING})?-(?P<index>\d+)-of-(?P<count>\d+)(?:{_ENDING})?"),
    re.compile(rf"(?P<split>[^.].*?)(?:[-_.](?P<index>\d+))?(?:{_ENDING})"),
)


class _Shard(NamedTuple):
    """A file by its name; index and count are None where it does not tell them."""

    split: str
    index: int | None
    count: int | None
    name: str


def find(directory: str) -> dict[str, list[str]]:
    """Returns the names of the shards in a folder by split, in the order of their numbers.

    Raises:
      OSError: the folder cannot be read.
      ValueError: there are none, some of a split are missing, or splits disagree with themselves.
    """
    shards = [shard for name in os.listdir(directory) if (shard := _parse(name)) is not None]
    if not shards:
        raise ValueError(
            f"{directory} holds no shards: they are called SPLIT-00000-of-00010, with or without "
            ".tfrecord behind it, SPLIT-0.tfrecord, or SPLIT.tfrecord."
        )
    splits: dict[str, list[_Shard]] = {}
    for shard in sorted(shards, key=lambda shard: (shard.split, shard.index or 0, shard.name)):
        splits.setdefault(shard.split, []).append(shard)
    for split, found in splits.items():
        _check(directory, split, found)
    return {split: [shard.name for shard in found] for split, found in splits.items()}


def _parse(name: str) -> _Shard | None:
    for pattern in _NAMES:
        match = pattern.fullmatch(name)
        if match:
            groups = match.groupdict()
            index, count = (
                None if groups.get(key) is None else int(groups[key]) for key in ("index", "count")
            )
            return _Shard(match["split"], index, count, name)
    return None


def _check(directory: str, split: str, shards: list[_Shard]) -> None:
    counts = {shard.count for shard in shards}
    if len(counts) > 1:
        names = [next(shard.name for shard in shards if shard.count == count) for count in counts]
        raise ValueError(
            f"{directory} holds {split!r} shards of several sets, such as "
            f"{' and '.join(sorted(names))}: remove those of the older one."
        )
    (count,) = counts
    if count is None:
        return
    present = {shard.index for shard in shards}
    missing = [index for index in range(count) if index not in present]
    if missing or len(shards) != count:
        which = f"number {missing[0]} is missing" if missing else "a number occurs twice"
        raise ValueError(
            f"{directory} holds {len(shards)} {split!r} shards of {count}: {which}. Copy them "
            "again."
        )
