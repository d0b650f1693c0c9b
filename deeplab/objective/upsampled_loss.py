"""Softmax cross entropy at label size of logits that are coarser, without a tensor of that size.

Resized logits, softmax and gradient each are [batch, height, width, classes] at label size, the
largest tensors of a training step. Here the image is worked through in bands of rows, one after
the other, and each band's gradient is brought back to the logits' size at once. A band fits the
processor's cache.

With z the resized logits of a pixel, y its class and w its weight,

    loss = w (log sum_k exp z_k - z_y)        d loss / d z_k = w (softmax(z)_k - [k = y]).

Resizing is linear, z = R x C' along rows and columns (`nets.interpolation`), so the gradient with
respect to x is R' (d loss / d z) C. Classes are the first axis, as sums over the first axis and
products along rows run at the speed of the memory; sums over the last one, 21 long, do not.
"""

from collections.abc import Iterator

import numpy as np
import tensorflow.compat.v1 as tf

from nets import interpolation

# Rows of a band: few enough for the cache, enough for the matrix kernels.
_ROWS = 64


def pixel_losses(logits: tf.Tensor, class_ids: tf.Tensor) -> tf.Tensor:
    """Returns the cross entropy of each pixel, without gradient.

    Args:
      logits: float32 [batch, h, w, classes].
      class_ids: int32 [batch, height, width], each a class.

    Returns:
      float32 [batch, height, width].
    """
    bands = _Bands(tf.stop_gradient(logits), class_ids)
    losses: list[tf.Tensor] = []
    for rows in bands:
        with tf.control_dependencies(losses[-1:]):
            losses.append(bands.softmax(rows).losses)
    return tf.concat(losses, axis=1)


def weighted_sum(logits: tf.Tensor, class_ids: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Returns the sum over pixels of weight times cross entropy.

    Args:
      logits: float32 [batch, h, w, classes]. The only argument with a gradient.
      class_ids: int32 [batch, height, width], each a class.
      weights: float32 [batch, height, width].

    Returns:
      float32 scalar.
    """

    @tf.custom_gradient
    def loss_of(logits: tf.Tensor, class_ids: tf.Tensor, weights: tf.Tensor):
        bands = _Bands(logits, class_ids)
        losses, gradient = [], None
        for rows in bands:
            # One band at a time, or all would be in memory together.
            with tf.control_dependencies([] if gradient is None else [gradient]):
                softmax = bands.softmax(rows)
                band_weights = weights[:, rows]
                losses.append(tf.reduce_sum(softmax.losses * band_weights))
                part = bands.part_of_gradient(rows, softmax.gradient(band_weights))
                gradient = part if gradient is None else gradient + part
        gradient = tf.transpose(gradient, [1, 2, 3, 0])
        return tf.add_n(losses), lambda upstream: (upstream * gradient, None, None)

    return loss_of(logits, class_ids, weights)


class _Bands:
    """A batch's logits and labels, and the bands of rows in which they are worked through.

    Iterating gives a slice of rows for each band.
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

    def softmax(self, rows: slice) -> "_BandSoftmax":
        inputs, weights = self._inputs_of(rows)
        logits = tf.matmul(tf.constant(weights), self._stretched[:, :, inputs])
        return _BandSoftmax(logits, self._class_ids[:, rows])

    def part_of_gradient(self, rows: slice, gradient: tf.Tensor) -> tf.Tensor:
        """Brings a band's gradient to the logits' size: float32 [classes, batch, h, w]."""
        inputs, weights = self._inputs_of(rows)
        part = tf.matmul(tf.constant(weights), gradient, transpose_a=True)
        part = _last_axis_times(part, tf.transpose(self._column_weights))
        h = self._row_weights.shape[1]
        return tf.pad(part, [[0, 0], [0, 0], [inputs.start, h - inputs.stop], [0, 0]])

    def _inputs_of(self, rows: slice) -> tuple[slice, np.ndarray]:
        """Returns the rows of logits that a band is made of, and their weights."""
        weights = self._row_weights[rows]
        (used,) = np.nonzero(weights.any(axis=0))
        inputs = slice(used[0], used[-1] + 1)
        return inputs, weights[:, inputs]


class _BandSoftmax:
    """Softmax over the first axis of logits [classes, batch, rows, width].

    Attributes:
      losses: float32 [batch, rows, width], the cross entropy.
    """

    def __init__(self, logits: tf.Tensor, class_ids: tf.Tensor):
        shifted = logits - tf.reduce_max(logits, axis=0)
        self._exponentials = tf.exp(shifted)
        self._sum = tf.reduce_sum(self._exponentials, axis=0)
        self._class_ids = class_ids
        num_pixels = tf.size(class_ids)
        position = tf.reshape(class_ids, [-1]) * num_pixels + tf.range(num_pixels)
        labeled = tf.reshape(tf.gather(tf.reshape(shifted, [-1]), position), tf.shape(class_ids))
        self.losses = tf.log(self._sum) - labeled

    def gradient(self, weights: tf.Tensor) -> tf.Tensor:
        """Returns the gradient of the weighted sum: float32 [classes, batch, rows, width]."""
        one_hot = tf.one_hot(self._class_ids, self._exponentials.shape[0].value, axis=0)
        return self._exponentials * (weights / self._sum) - one_hot * weights


def _last_axis_times(tensor: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Multiplies [a, b, c, inputs] by [outputs, inputs] along the last axis."""
    shape = tf.shape(tensor)
    outputs, inputs = matrix.shape.as_list()
    product = tf.matmul(tf.reshape(tensor, [-1, inputs]), matrix, transpose_b=True)
    result = tf.reshape(product, tf.concat([shape[:3], [outputs]], axis=0))
    result.set_shape(tensor.shape[:3].concatenate(outputs))
    return result
