"""Resized logits and their softmax at label size, in bands of rows, one after the other.

Resized logits, softmax and gradient each are [batch, height, width, classes] at label size, the
largest tensors of a training step. A loss that works through bands holds one band of each, which
fits the processor's cache, and brings each band's gradient back to the logits' size at once.

Resizing is linear, z = R x C' along rows and columns (`nets.interpolation`), so the gradient with
respect to the logits x is R' (d loss / d z) C. Classes are the first axis, as sums over the first
axis and products along rows run at the speed of the memory; sums over the last one, 21 long, do
not.
"""

from collections.abc import Iterator

import numpy as np
import tensorflow.compat.v1 as tf

from nets import interpolation

# Rows of a band: few enough for the cache, enough for the matrix kernels.
_ROWS = 64


class Bands:
    """A batch's logits and labels, and the bands of rows in which they are worked through.

    Iterating gives a slice of rows for each band.

    Args:
      logits: float32 [batch, h, w, classes].
      class_ids: int32 [batch, height, width], each a class.
    """

    def __init__(self, logits: tf.Tensor, class_ids: tf.Tensor):
        self._class_ids = class_ids
        _, self._height, width = class_ids.shape.as_list()
        _, h, w, _ = logits.shape.as_list()
        self._row_weights = interpolation.matrix(h, self._height)
        self._column_weights = tf.constant(interpolation.matrix(w, width))
        # [classes, batch, h, width]
        self._stretched = _last_axis_times(tf.transpose(logits, [3, 0, 1, 2]), self._column_weights)

    def __iter__(self) -> Iterator[slice]:
        starts = range(0, self._height, _ROWS)
        return (slice(start, min(start + _ROWS, self._height)) for start in starts)

    def softmax(self, rows: slice) -> "BandSoftmax":
        """Returns the softmax of a band."""
        inputs, weights = self._inputs_of(rows)
        logits = tf.matmul(tf.constant(weights), self._stretched[:, :, inputs])
        return BandSoftmax(logits, self._class_ids[:, rows])

    def part_of_gradient(self, rows: slice, gradient: tf.Tensor) -> tf.Tensor:
        """Brings a band's gradient to the logits' size: float32 [classes, batch, h, w]."""
        inputs, weights = self._inputs_of(rows)
        part = tf.matmul(tf.constant(weights), gradient, transpose_a=True)
        part = _last_axis_times(part, tf.transpose(self._column_weights))
        h = self._row_weights.shape[1]
        return tf.pad(part, [[0, 0], [0, 0], [inputs.start, h - inputs.stop], [0, 0]])

    def logits_of_class(self, class_id: tf.Tensor) -> tf.Tensor:
        """Returns the resized logits of one class, int32 []: float32 [batch, height, width]."""
        return tf.matmul(tf.constant(self._row_weights), self._stretched[class_id])

    def gradient_of_class(self, gradient: tf.Tensor) -> tf.Tensor:
        """Brings the gradient of one class's resized logits to the logits' size.

        Args:
          gradient: float32 [batch, height, width].

        Returns:
          float32 [batch, h, w].
        """
        part = tf.matmul(tf.constant(self._row_weights), gradient, transpose_a=True)
        return tf.matmul(part, self._column_weights)

    def _inputs_of(self, rows: slice) -> tuple[slice, np.ndarray]:
        """Returns the rows of logits that a band is made of, and their weights."""
        weights = self._row_weights[rows]
        (used,) = np.nonzero(weights.any(axis=0))
        inputs = slice(used[0], used[-1] + 1)
        return inputs, weights[:, inputs]


class BandSoftmax:
    """Softmax over the first axis of logits [classes, batch, rows, width].

    Attributes:
      losses: float32 [batch, rows, width], the cross entropy.
    """

    def __init__(self, logits: tf.Tensor, class_ids: tf.Tensor):
        self._largest = tf.reduce_max(logits, axis=0)
        shifted = logits - self._largest
        self._exponentials = tf.exp(shifted)
        self._sum = tf.reduce_sum(self._exponentials, axis=0)
        self._class_ids = class_ids
        num_pixels = tf.size(class_ids)
        position = tf.reshape(class_ids, [-1]) * num_pixels + tf.range(num_pixels)
        labeled = tf.reshape(tf.gather(tf.reshape(shifted, [-1]), position), tf.shape(class_ids))
        self.losses = tf.log(self._sum) - labeled

    def log_sums(self) -> tf.Tensor:
        """Returns the log of the sum of the logits' exponentials: float32 [batch, rows, width]."""
        return self._largest + tf.log(self._sum)

    def probabilities(self) -> tf.Tensor:
        """Returns float32 [classes, batch, rows, width]."""
        return self._exponentials / self._sum

    def one_hot(self) -> tf.Tensor:
        """Returns 1 at each pixel's class, else 0: float32 [classes, batch, rows, width]."""
        return tf.one_hot(self._class_ids, self._exponentials.shape[0].value, axis=0)

    def gradient(self, weights: tf.Tensor) -> tf.Tensor:
        """Returns the gradient of the weighted sum: float32 [classes, batch, rows, width]."""
        return self._exponentials * (weights / self._sum) - self.one_hot() * weights


def _last_axis_times(tensor: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Multiplies [a, b, c, inputs] by [outputs, inputs] along the last axis."""
    shape = tf.shape(tensor)
    outputs, inputs = matrix.shape.as_list()
    product = tf.matmul(tf.reshape(tensor, [-1, inputs]), matrix, transpose_b=True)
    result = tf.reshape(product, tf.concat([shape[:3], [outputs]], axis=0))
    result.set_shape(tensor.shape[:3].concatenate(outputs))
    return result
