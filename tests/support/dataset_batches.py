"""The batches of a `tf.data.Dataset`, as values."""

import tensorflow.compat.v1 as tf


def read(dataset: tf.data.Dataset, num_batches: int | None = None) -> list[dict]:
    """Returns what a dataset yields; only its beginning where it has no end."""
    batch = tf.data.make_one_shot_iterator(dataset).get_next()
    batches: list[dict] = []
    with tf.Session() as session:
        while num_batches is None or len(batches) < num_batches:
            try:
                batches.append(session.run(batch))
            except tf.errors.OutOfRangeError:
                break
    return batches
