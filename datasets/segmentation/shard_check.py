"""Whether the shards of a split are those that `dataset.json` describes.

TensorFlow takes a shard that was cut at the end of a record, or inside the next one's header, for a
whole one: fewer examples are read, and a score of them looks like a score. So the records are
counted before anything is read. Sizes of files tell enough where they are described and agree;
otherwise the lengths in the shards are walked over, which reads twelve bytes of each record.
"""

import os
import sys
from concurrent import futures

from common.texts import first_few
from datasets.records import tfrecords
from datasets.segmentation.specs import DATASET_FILE, DatasetSpec, SplitSpec

# Disks and network file systems answer several readers sooner than one.
_NUM_READERS = 16


def complete_shards(spec: DatasetSpec, split: str) -> list[str]:
    """Returns the shards of a split, after checking that they hold the examples they should.

    Warns on stderr where shards hold as many records as they should and yet are other files than
    those that were described.

    Raises:
      OSError: a file cannot be opened.
      ValueError: shards are missing, truncated or damaged, or hold more or fewer records than
        described; the message names them and both numbers.
    """
    described = spec.split(split)
    paths = spec.shard_paths(split)
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
    if not sum(counts):
        raise ValueError(
            f"split {split!r} of dataset {spec.name!r} in {spec.directory} holds no images, but "
            f"{DATASET_FILE} says {described.num_examples}. Copy its shards again, or build the "
            "dataset again."
        )
    if sum(counts) != described.num_examples:
        raise ValueError(
            f"split {split!r} of dataset {spec.name!r} in {spec.directory} has {sum(counts)} "
            f"examples, but {DATASET_FILE} says {described.num_examples}: "
            f"{_describe_counts(described, paths, counts)}. Copy the shards again, or build the "
            "dataset again."
        )
    if changed:
        print(
            f"warning: {first_few(map(os.path.basename, changed))} in {spec.directory}: the size "
            f"is not the one in {DATASET_FILE}. Unless you changed the records yourself, shards "
            "of another dataset or split were copied here: build the dataset again.",
            file=sys.stderr,
        )
    return paths


def _describe_counts(described: SplitSpec, paths: list[str], counts: list[int]) -> str:
    """Names the shards that hold too few or too many records, as far as that is known."""
    names = list(map(os.path.basename, paths))
    wrong = [
        f"{name} holds {count} of {expected}"
        for name, count, expected in zip(names, counts, described.shard_examples, strict=False)
        if count != expected
    ]
    # Shards hold about equally many, so the ones that were cut come first.
    fewest_first = sorted(zip(counts, names, strict=True))
    return first_few(wrong or [f"{name} holds {count}" for count, name in fewest_first])
