"""The records of a split in the order of training: shuffled, numbered, without end."""

import os

import tensorflow.compat.v1 as tf

from datasets.records.shard_check import Dataset

# Memory for the shuffled records. A few thousand images of ordinary size; a dataset with larger
# ones is shuffled over fewer of them.
_SHUFFLE_BYTES = 256 << 20
# Shards read at the same time: more mix the order better, each holds a file open.
_OPEN_SHARDS = 16


def numbered_records(spec: Dataset, split: str, seed: int | None) -> tf.data.Dataset:
    """Opens the records of a split, shuffled and without end.

    Args:
      spec, split: the dataset and the name of the split.
      seed: the same seed gives the same order; None for a new one each time.

    Returns:
      A dataset of (serialized record, its number from 0 on, which its random draws depend on).

    Raises:
      ValueError: the split or its files are missing.
    """
    shards = nonempty_shards(spec, split)
    num_examples = spec.split(split).num_examples
    num_bytes = sum(os.path.getsize(shard) for shard in shards)
    num_shuffled = num_examples * _SHUFFLE_BYTES // num_bytes
    # Of each open shard, some records are held.
    num_open = max(1, min(len(shards), _OPEN_SHARDS, num_shuffled // 2))
    records = tf.data.Dataset.from_tensor_slices(shards).shuffle(len(shards), seed=seed)
    records = records.interleave(
        tf.data.TFRecordDataset,
        cycle_length=num_open,
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=seed is not None,
    )
    records = records.shuffle(max(1, min(num_examples, num_shuffled)), seed=seed).repeat()
    return tf.data.Dataset.zip((records, tf.data.Dataset.counter()))


def nonempty_shards(spec: Dataset, split: str) -> list[str]:
    """Returns the files of a split.

    Raises:
      ValueError: there are none, or they hold no record: `repeat` would search them forever.
    """
    shards = spec.shard_paths(split)
    if not any(os.path.getsize(shard) for shard in shards):
        raise ValueError(
            f"split {split!r} of dataset {spec.name!r} in {spec.directory} holds no images."
        )
    return shards
