"""Whether the shards of a split are those that `dataset.json` describes.

TensorFlow does not notice that a shard was cut at the end of a record, or inside the next one's
header: it reads fewer examples, and their score looks like that of the split. So the records are
counted before anything is read. If the sizes of the files are described and agree, they are enough;
otherwise the lengths in the shards are walked over, which reads twelve bytes of each record.
"""

import os
import sys
from collections.abc import Sequence
from concurrent import futures
from typing import Protocol

from common.dataset_files import DATASET_FILE
from common.texts import first_few
from datasets.records import tfrecords

# Disks and network file systems answer several readers sooner than one.
_NUM_READERS = 16


class Split(Protocol):
    """What `dataset.json` says of a split, whatever the task."""

    @property
    def num_examples(self) -> int: ...

    @property
    def shard_examples(self) -> Sequence[int]: ...

    @property
    def shard_bytes(self) -> Sequence[int]: ...


class Dataset(Protocol):
    """A dataset on disk, whatever the task."""

    @property
    def name(self) -> str: ...

    @property
    def directory(self) -> str: ...

    def split(self, name: str, /) -> Split: ...

    def shard_paths(self, split: str, /) -> list[str]: ...


def complete_shards(dataset: Dataset, split: str) -> list[str]:
    """Returns the shards of a split, after checking that they hold the examples they should.

    Warns on stderr where shards hold as many records as they should and yet are other files than
    those that were described.

    Raises:
      ValueError: shards are missing, truncated or damaged, or hold more or fewer records than
        described; the message names them and both numbers.
    """
    described = dataset.split(split)
    paths = dataset.shard_paths(split)
    changed = [
        path
        for path, num_bytes in zip(paths, described.shard_bytes, strict=False)
        if os.path.getsize(path) != num_bytes
    ]
    is_consistent = sum(described.shard_examples) == described.num_examples > 0
    if described.shard_bytes and not changed and is_consistent:
        return paths
    with futures.ThreadPoolExecutor(_NUM_READERS) as pool:
        counts = list(pool.map(tfrecords.count_records, paths))
    if sum(counts) != described.num_examples or not sum(counts):
        found = f"has {sum(counts)} examples" if sum(counts) else "holds no images"
        which = f": {_describe_counts(described, paths, counts)}" if sum(counts) else ""
        raise ValueError(
            f"split {split!r} of dataset {dataset.name!r} in {dataset.directory} {found}, "
            f"but {DATASET_FILE} says {described.num_examples}{which}. Copy the shards again, or "
            "build the dataset again."
        )
    if changed:
        print(
            f"warning: {first_few(map(os.path.basename, changed))} in {dataset.directory}: the "
            f"size is not the one in {DATASET_FILE}. Unless you changed the records yourself, "
            "shards of another dataset or split were copied here: build the dataset again.",
            file=sys.stderr,
        )
    return paths


def explain_missing(dataset: Dataset, split: str, num_read: int) -> ValueError:
    """Returns the error for a split of which another number of examples was read than described.

    Its shards were whole when reading began, hours ago perhaps: they are named if it lasts.
    """
    try:
        complete_shards(dataset, split)
    except ValueError as error:
        return error
    return ValueError(
        f"{num_read} of the {dataset.split(split).num_examples} examples of split {split!r} in "
        f"{dataset.directory} were read: its shards were changed meanwhile."
    )


def _describe_counts(described: Split, paths: list[str], counts: list[int]) -> str:
    """Names the shards that hold too few or too many records, if that is known."""
    names = list(map(os.path.basename, paths))
    wrong = [
        f"{name} holds {count} of {expected}"
        for name, count, expected in zip(names, counts, described.shard_examples, strict=False)
        if count != expected
    ]
    # Shards hold about equally many, so the ones that were cut come first.
    fewest_first = sorted(zip(counts, names, strict=True))
    return first_few(wrong or [f"{name} holds {count}" for count, name in fewest_first])
