"""The loss in the operations of research/deeplab (`utils/train_utils.py`, 2019).

The reference for the values of `losses`, and for what they save: logits at label size,
one-hot labels [pixels, classes], and a softmax cross entropy over both.
"""

from collections.abc import Mapping

import tensorflow.compat.v1 as tf

from deeplab.options import ObjectiveOptions

_SMALLEST_PIXEL_COUNT = 1e-5


def add_losses(
    scales_to_logits: Mapping[str, tf.Tensor],
    labels: tf.Tensor,
    objective: ObjectiveOptions,
    ignore_label: int,
) -> dict[str, tf.Tensor]:
    """Adds one loss for each scale; arguments and result are those of `losses.add_losses`."""
    losses = {}
    for scale, logits in scales_to_logits.items():
        num_classes = logits.shape[-1].value
        with tf.name_scope(f"{scale}_plain_loss"):
            scaled_labels = labels
            if objective.upsample_logits:
                logits = tf.image.resize_bilinear(logits, tf.shape(labels)[1:3], align_corners=True)
            else:
                scaled_labels = tf.image.resize_nearest_neighbor(
                    labels, tf.shape(logits)[1:3], align_corners=True
                )
            scaled_labels = tf.reshape(scaled_labels, [-1])
            is_counted = tf.cast(tf.not_equal(scaled_labels, ignore_label), tf.float32)
            one_hot = tf.one_hot(scaled_labels, num_classes, on_value=1.0, off_value=0.0)
            weights = is_counted
            if objective.label_weights is not None:
                by_class = tf.constant(objective.label_weights, tf.float32, [1, num_classes])
                weights = is_counted * tf.reduce_sum(one_hot * by_class, axis=1)
            pixel_losses = weights * tf.nn.softmax_cross_entropy_with_logits_v2(
                labels=tf.stop_gradient(one_hot), logits=tf.reshape(logits, [-1, num_classes])
            )
            if objective.top_k_percent_pixels == 1.0:
                num_pixels = tf.reduce_sum(is_counted)
            else:
                pixel_losses = _hardest(pixel_losses, objective)
                num_pixels = tf.reduce_sum(tf.cast(tf.not_equal(pixel_losses, 0.0), tf.float32))
            loss = tf.reduce_sum(pixel_losses) / tf.maximum(num_pixels, _SMALLEST_PIXEL_COUNT)
        tf.losses.add_loss(loss)
        losses[scale] = loss
    return losses


def _hardest(pixel_losses: tf.Tensor, objective: ObjectiveOptions) -> tf.Tensor:
    share = objective.top_k_percent_pixels
    if objective.hard_example_mining_step > 0:
        step = tf.cast(tf.train.get_or_create_global_step(), tf.float32)
        progress = tf.minimum(1.0, step / objective.hard_example_mining_step)
        share = progress * share + (1.0 - progress)
    k = tf.cast(share * tf.cast(tf.size(pixel_losses), tf.float32), tf.int32)
    return tf.math.top_k(pixel_losses, k=tf.maximum(k, 1), sorted=True).values
