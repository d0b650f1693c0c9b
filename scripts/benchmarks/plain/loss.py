"""The segmentation loss with research/deeplab's operations: one-hot labels at full size.

The reference that `deeplab.losses` is tested against and measured beside: the same values, at the
cost of tensors of [pixels, classes] for labels, weights and their gradients.
"""

from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf


def add_losses(
    scales_to_logits: Mapping[str, tf.Tensor],
    labels: tf.Tensor,
    *,
    ignore_label: int,
    num_classes: int,
    upsample_logits: bool = True,
    label_weights: Sequence[float] | None = None,
    hard_example_mining_step: int = 0,
    top_k_percent_pixels: float = 1.0,
    global_step: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    """Adds one loss for each scale to `tf.GraphKeys.LOSSES`; arguments as in `deeplab.losses`."""
    losses = {}
    for scale, logits in scales_to_logits.items():
        scaled_labels = labels
        if upsample_logits:
            logits = tf.image.resize_bilinear(logits, tf.shape(labels)[1:3], align_corners=True)
        else:
            scaled_labels = tf.image.resize_nearest_neighbor(
                labels, tf.shape(logits)[1:3], align_corners=True
            )
        flat_labels = tf.reshape(scaled_labels, [-1])
        one_hot = tf.one_hot(flat_labels, num_classes)
        is_counted = tf.cast(tf.not_equal(flat_labels, ignore_label), tf.float32)
        weights = is_counted
        if label_weights is not None:
            weights *= tf.reduce_sum(one_hot * tf.constant(label_weights, tf.float32), axis=1)
        pixel_losses = weights * tf.nn.softmax_cross_entropy_with_logits_v2(
            labels=tf.stop_gradient(one_hot), logits=tf.reshape(logits, [-1, num_classes])
        )
        num_pixels = tf.reduce_sum(is_counted)
        if top_k_percent_pixels < 1.0:
            share = top_k_percent_pixels
            if hard_example_mining_step:
                step = tf.train.get_or_create_global_step() if global_step is None else global_step
                progress = tf.minimum(1.0, tf.cast(step, tf.float32) / hard_example_mining_step)
                share = progress * top_k_percent_pixels + (1.0 - progress)
            k = tf.cast(share * tf.cast(tf.size(pixel_losses), tf.float32), tf.int32)
            pixel_losses = tf.math.top_k(pixel_losses, tf.maximum(k, 1)).values
            num_pixels = tf.reduce_sum(tf.cast(tf.not_equal(pixel_losses, 0.0), tf.float32))
        losses[scale] = tf.reduce_sum(pixel_losses) / tf.maximum(num_pixels, 1e-5)
        tf.losses.add_loss(losses[scale])
    return losses
