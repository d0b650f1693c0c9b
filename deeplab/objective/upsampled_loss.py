"""Losses of pixels at label size of logits that are coarser, without a tensor of that size.

They work through bands of rows (`deeplab.objective.label_bands`). With z the resized logits of a
pixel, y its class and w its weight, the softmax cross entropy and its gradient are

    c = log sum_k exp z_k - z_y        d (w c) / d z_k = w (softmax(z)_k - [k = y]).

The focal loss (Lin et al., arXiv 1708.02002, equation 4) is a function of c alone, for the
probability of the class is p = exp(-c):

    f(c) = (1 - p)^gamma c        f'(c) = (1 - p)^gamma (1 + gamma p c / (1 - p)),

so its gradient is that of the cross entropy times f'(c). A gamma of 0 is the cross entropy.
"""

import tensorflow.compat.v1 as tf

from deeplab.objective.label_bands import Bands


def pixel_losses(logits: tf.Tensor, class_ids: tf.Tensor, gamma: float = 0.0) -> tf.Tensor:
    """Returns the loss of each pixel, without gradient.

    Args:
      logits: float32 [batch, h, w, classes].
      class_ids: int32 [batch, height, width], each a class.
      gamma: 0 for the cross entropy; more for the focal loss.

    Returns:
      float32 [batch, height, width].
    """
    bands = Bands(tf.stop_gradient(logits), class_ids)
    losses: list[tf.Tensor] = []
    for rows in bands:
        with tf.control_dependencies(losses[-1:]):
            losses.append(_focused(bands.softmax(rows).losses, gamma)[0])
    return tf.concat(losses, axis=1)


def weighted_sum(
    logits: tf.Tensor, class_ids: tf.Tensor, weights: tf.Tensor, gamma: float = 0.0
) -> tf.Tensor:
    """Returns the sum over pixels of weight times loss.

    Args:
      logits: float32 [batch, h, w, classes]. The only argument with a gradient.
      class_ids: int32 [batch, height, width], each a class.
      weights: float32 [batch, height, width].
      gamma: 0 for the cross entropy; more for the focal loss.

    Returns:
      float32 scalar.
    """

    @tf.custom_gradient
    def loss_of(logits: tf.Tensor, class_ids: tf.Tensor, weights: tf.Tensor):
        bands = Bands(logits, class_ids)
        losses, gradient = [], None
        for rows in bands:
            # One band at a time, or all would be in memory together.
            with tf.control_dependencies([] if gradient is None else [gradient]):
                softmax = bands.softmax(rows)
                band_weights = weights[:, rows]
                band_losses, slope = _focused(softmax.losses, gamma)
                losses.append(tf.reduce_sum(band_losses * band_weights))
                if slope is not None:
                    band_weights *= slope
                part = bands.part_of_gradient(rows, softmax.gradient(band_weights))
                gradient = part if gradient is None else gradient + part
        gradient = tf.transpose(gradient, [1, 2, 3, 0])
        return tf.add_n(losses), lambda upstream: (upstream * gradient, None, None)

    return loss_of(logits, class_ids, weights)


def _focused(cross_entropies: tf.Tensor, gamma: float) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Returns the focal loss and its slope over the cross entropy, None for 1 everywhere."""
    if gamma == 0.0:
        return cross_entropies, None
    missing = -tf.math.expm1(-cross_entropies)  # 1 - p, exact near 0
    factor = tf.pow(missing, gamma)
    # c / (1 - p) is 1 where both are 0.
    ratio = tf.where(
        missing > 0.0, tf.math.divide_no_nan(cross_entropies, missing), tf.ones_like(missing)
    )
    return factor * cross_entropies, factor * (1.0 + gamma * (1.0 - missing) * ratio)
