"""Says which record is wrong, and why, where TensorFlow's error names neither."""

import re

import tensorflow.compat.v1 as tf

from common import tf_errors
from datasets.records import tfrecords

_ASSERTION = re.compile(r"assertion failed: \[(.*?)\]$", re.MULTILINE)


def find_assertion(error: tf.errors.OpError) -> str | None:
    """Returns what an assertion of our graphs says, or None where the error is of another kind."""
    assertion = _ASSERTION.search(error.message)
    # TensorFlow prints the parts in brackets, and strings with escapes.
    return assertion and re.sub(r"\\(.)", r"\1", assertion[1].replace("] [", " "))


def describe(error: tf.errors.OpError, record: bytes, number: int, shard: str) -> str:
    """Returns the error of decoding a record in one line that names it and its place in a shard."""
    reason = find_assertion(error) or tf_errors.reason(error).rstrip(".")
    names = tfrecords.read_features(record)["image/filename"].bytes_list.value
    name = names[0].decode(errors="replace") if names else "of unknown name"
    return f"image {name}, record {number} of {shard}, cannot be decoded: {reason}."
