"""Finds shards by their names, ours and those of other programs.

train-00000-of-00010.tfrecord    ours, and research/deeplab's
train-00000-of-00010             as TensorFlow's own programs write them, and ours of captioning
flowers_train_00000-of-00005.tfrecord   as TF-slim writes some
train.record-00000-of-00010      (or .tfrecord, .records, .tfrec …)
train-3.tfrecord, train_003.tfrecord
train.tfrecord
"""

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

_OURS = (re.compile(r"(?P<split>.+)-(?P<index>\d{5})-of-(?P<count>\d{5})\.tfrecord"),)
# Those of captioning have no ending, as research/im2txt's.
_OURS_OF_ANY_TASK = (
    re.compile(r"(?P<split>.+)-(?P<index>\d{5})-of-(?P<count>\d{5})(?:\.tfrecord)?"),
)
_ENDING = r"\.(?:tfrecords?|records?|tfrecs?|tfr)"
_ANY = (
    re.compile(
        rf"(?P<split>[^.].*?)(?:{_ENDING})?[-_](?P<index>\d+)-of-(?P<count>\d+)(?:{_ENDING})?"
    ),
    re.compile(rf"(?P<split>[^.].*?)(?:[-_.](?P<index>\d+))?(?:{_ENDING})(?P<count>)"),
)


class _Shard(NamedTuple):
    """What the name of a file says; None where it does not say it."""

    split: str
    number: int | None
    num_shards: int | None
    name: str


def list_ours(directory: str) -> list[str]:
    """Returns the paths of all files in a folder that are named as those of a task, sorted."""
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    return [os.path.join(directory, name) for name in names if _parse(name, _OURS_OF_ANY_TASK)]


def find_ours(directory: str) -> dict[str, list[str]]:
    """Like `find_any`, of the shards that have our ending; {} if there are none."""
    return _by_split(directory, _OURS, map(os.path.basename, list_ours(directory)))


def find_any(directory: str) -> dict[str, list[str]]:
    """Returns the names of the shards in a folder by split, in the order of their numbers.

    Raises:
      OSError: the folder cannot be read.
      ValueError: there are none, some of a split are missing, or shards of a split disagree on
        their number.
    """
    splits = _by_split(directory, _ANY, os.listdir(directory))
    if not splits:
        raise ValueError(
            f"{directory} holds no shards: they are called SPLIT-00000-of-00010, with or without "
            ".tfrecord after it, SPLIT-0.tfrecord, or SPLIT.tfrecord."
        )
    return splits


def _by_split(
    directory: str, patterns: Iterable[re.Pattern[str]], names: Iterable[str]
) -> dict[str, list[str]]:
    shards = [shard for name in names if (shard := _parse(name, patterns)) is not None]
    splits: dict[str, list[_Shard]] = {}
    for shard in sorted(shards, key=lambda shard: (shard.split, shard.number or 0, shard.name)):
        splits.setdefault(shard.split, []).append(shard)
    for split, found in splits.items():
        _check(directory, split, found)
    return {split: [shard.name for shard in found] for split, found in splits.items()}


def _parse(name: str, patterns: Iterable[re.Pattern[str]]) -> _Shard | None:
    match = next(filter(None, (pattern.fullmatch(name) for pattern in patterns)), None)
    if match is None:
        return None
    number, num_shards = (int(match[key]) if match[key] else None for key in ("index", "count"))
    return _Shard(match["split"], number, num_shards, name)


def _check(directory: str, split: str, shards: list[_Shard]) -> None:
    examples = {shard.num_shards: shard.name for shard in shards}
    if len(examples) > 1:
        raise ValueError(
            f"{directory} holds {split!r} shards of several sets, such as "
            f"{' and '.join(sorted(examples.values()))}: remove those of the older one."
        )
    (num_shards,) = examples
    if num_shards is None:
        return
    missing = sorted({*range(num_shards)} - {shard.number for shard in shards})
    if missing or len(shards) != num_shards:
        which = f"number {missing[0]} is missing" if missing else "a number occurs twice"
        raise ValueError(
            f"{directory} holds {len(shards)} {split!r} shards of {num_shards}: {which}. Copy "
            "or build them again."
        )
