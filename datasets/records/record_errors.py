"""Says which record is wrong, and why, where TensorFlow's error names neither."""

import re
from collections.abc import Callable, Mapping

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


def explain(
    error: tf.errors.OpError,
    find_shards: Callable[[], list[str]],
    decode: Callable[[tf.Tensor], Mapping[str, tf.Tensor]],
) -> ValueError | None:
    """Turns an error of a session that reads records into one that speaks of the data.

    Reads all records again where the error does not carry its cause.

    Args:
      error: what `Session.run` raised.
      find_shards: returns the paths of the shards; may raise ValueError or OSError.
      decode: makes the tensors of a serialized example.

    Returns:
      An error in one line that names the image or the file; None if the data are not the cause.
    """
    if not isinstance(error, (tf.errors.InvalidArgumentError, tf.errors.DataLossError)):
        return None
    assertion = find_assertion(error)
    if assertion:
        return ValueError(f"{assertion}.")
    if "IteratorGetNext" not in error.message:
        return None
    try:
        _read_all(find_shards(), decode)
    except (ValueError, OSError) as broken:
        return ValueError(str(broken))
    return None


def check(condition: tf.Tensor, message: Callable[[], list]) -> tf.Operation:
    """Asserts a condition; the parts of the message are only computed where it does not hold."""

    def fail() -> tf.Tensor:
        with tf.control_dependencies([tf.Assert(False, [tf.strings.join(message())])]):
            return tf.constant(False)

    return tf.cond(condition, lambda: tf.constant(True), fail).op


def _read_all(shards: list[str], decode: Callable[[tf.Tensor], Mapping[str, tf.Tensor]]) -> None:
    """Decodes every record; raises ValueError or OSError at the first broken one."""
    with tf.Graph().as_default(), tf.Session() as session:
        serialized = tf.placeholder(tf.string, [])
        example = decode(serialized)
        for shard in shards:
            for number, record in enumerate(tfrecords.read_records(shard)):
                try:
                    session.run(example, {serialized: record})
                except tf.errors.InvalidArgumentError as error:
                    message = describe(error, record, number, shard)
                    raise ValueError(
                        f"{message} Build the dataset again from whole files."
                    ) from None
