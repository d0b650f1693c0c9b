"""Says which record is wrong, and why, where TensorFlow's error names neither."""

import re

import tensorflow.compat.v1 as tf
from google.protobuf.message import DecodeError

from common import tf_errors

_ASSERTION = re.compile(r"assertion failed: \[(.*?)\]$", re.MULTILINE)


def find_assertion(error: tf.errors.OpError) -> str | None:
    """Returns what an assertion of our graphs says, or None where the error is of another kind."""
    assertion = _ASSERTION.search(error.message)
    # TensorFlow prints the parts in brackets, and strings with escapes.
    return assertion and re.sub(r"\\(.)", r"\1", assertion[1].replace("] [", " "))


def describe(error: tf.errors.OpError, record: bytes, number: int, shard: str) -> str:
    """Returns an error in one line that names a record.

    Args:
      error: what the session raised that decoded it.
      record: the serialized record.
      number: its place in its shard, from 0 on.
      shard: path of the shard.
    """
    reason = find_assertion(error) or tf_errors.reason(error).rstrip(".")
    return f"image {_name(record)}, record {number} of {shard}, cannot be decoded: {reason}."


def _name(record: bytes) -> str:
    try:
        features = tf.train.Example.FromString(record).features.feature
    except DecodeError:
        return "of unknown name"
    names = features["image/filename"].bytes_list.value
    return names[0].decode(errors="replace") if names else "of unknown name"
