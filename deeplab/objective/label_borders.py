"""Pixels of a label that lie near another class."""

import tensorflow.compat.v1 as tf

# More than any class id.
_NO_CLASS = 1 << 16


def near_borders(labels: tf.Tensor, distance: int, ignore_label: int) -> tf.Tensor:
    """Finds the pixels that have another class near them.

    Ignored pixels are no class: beside them is no border, and where a strip of them separates two
    classes, the distance has to reach over it.

    Args:
      labels: int32 [batch, height, width, 1], class ids and the ignore label.
      distance: pixels, along rows and columns, up to which another class is near; at least 1.
      ignore_label: label of pixels that have no class.

    Returns:
      float32 [batch, height, width, 1], 1 at such a pixel, else 0; any value at an ignored one.
    """
    is_class = tf.not_equal(labels, ignore_label)

    def largest_near(values: tf.Tensor) -> tf.Tensor:
        values = tf.cast(
            tf.where(is_class, values, tf.fill(tf.shape(values), -_NO_CLASS)), tf.float32
        )
        side = 2 * distance + 1
        # A square is a column of rows.
        for window in ([side, 1], [1, side]):
            values = tf.nn.max_pool2d(values, window, strides=1, padding="SAME")
        return values

    largest, smallest = largest_near(labels), -largest_near(-labels)
    return tf.cast(largest > smallest, tf.float32)
