"""The likeliest class of each pixel from coarse logits, without interpolating all of them.

Interpolating 21 or 150 logits for each pixel and comparing them is a fair share of a small
network's time. But between four neighboring logits that agree on the class no other class can win,
because each pixel's logits are a weighted mean of theirs. Only the cells whose corners disagree,
along borders of objects, are interpolated.
"""

import tensorflow.compat.v1 as tf

from common.resized_cells import corner_weights, factor
from nets.layers import Side


def has_fast_form(logits: tf.Tensor, height: Side, width: Side) -> bool:
    """Whether `upsampled_argmax` can be used: sizes are known and the factors whole numbers."""
    return all(
        isinstance(target, int) and isinstance(side, int) and factor(side, target) > 0
        for side, target in zip(logits.shape.as_list()[1:3], (height, width), strict=True)
    )


def upsampled_argmax(logits: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Returns the argmax of logits resized bilinearly with corners aligned.

    The same ids as `argmax(resize_bilinear(logits))`, up to rounding where two classes tie.

    Args:
      logits: float32 [batch, h, w, classes].
      height, width: size of the result, where (height - 1) is a multiple of (h - 1), (width - 1)
        of (w - 1): see `has_fast_form`.

    Returns:
      int32 [batch, height, width].
    """
    rows, columns, num_classes = logits.shape.as_list()[1:]
    vertical, horizontal = factor(rows, height), factor(columns, width)
    num_pixels = vertical * horizontal
    with tf.name_scope("fast_argmax"):
        ids = tf.argmax(logits, axis=3, output_type=tf.int32)
        # A cell has its logit in its upper left corner; the last row and column repeat themselves.
        beside = tf.concat([ids[:, :, 1:], ids[:, :, -1:]], axis=2)
        row_differs = tf.not_equal(ids, beside)
        row_differs |= tf.concat([row_differs[:, 1:], row_differs[:, -1:]], axis=1)
        below = tf.concat([ids[:, 1:], ids[:, -1:]], axis=1)
        mixed = tf.where(tf.reshape(row_differs | tf.not_equal(ids, below), [-1]))[:, 0]
        mixed = tf.cast(mixed, tf.int32)

        corners = _corners(mixed, rows, columns)
        vectors = tf.gather(tf.reshape(logits, [-1, num_classes]), tf.reshape(corners, [-1]))
        vectors = tf.reshape(vectors, [4, -1])  # By corner: cells times classes.
        weights = tf.constant(corner_weights(vertical, horizontal))
        interpolated = tf.reshape(tf.matmul(weights, vectors), [num_pixels, -1, num_classes])
        mixed_ids = tf.argmax(interpolated, axis=2, output_type=tf.int32)
        # Moved about as float32: oneDNN prints an error before it leaves int32 to others.
        mixed_ids = tf.transpose(tf.cast(mixed_ids, tf.float32))

        flat_ids = tf.cast(tf.reshape(ids, [-1, 1]), tf.float32)
        cells = tf.broadcast_to(flat_ids, [tf.size(ids), num_pixels])
        cells = tf.tensor_scatter_nd_update(cells, mixed[:, tf.newaxis], mixed_ids)
        cells = tf.reshape(cells, [-1, rows, columns, vertical, horizontal])
        pixels = tf.transpose(cells, [0, 1, 3, 2, 4])
        pixels = tf.reshape(pixels, [-1, rows * vertical, columns * horizontal])
        return tf.cast(pixels[:, :height, :width], tf.int32)


def _corners(cells: tf.Tensor, rows: int, columns: int) -> tf.Tensor:
    """Returns the flat indices [4, cells] of the logits around cells; those outside are clipped."""
    column = cells % columns
    row = cells // columns % rows
    right = cells + tf.cast(column < columns - 1, tf.int32)
    step = tf.cast(row < rows - 1, tf.int32) * columns
    return tf.stack([cells, right, cells + step, right + step])
