"""The segmentation loss: a weighted sum of losses over the pixels that carry a class.

Without further options it is the softmax cross entropy with the values of research/deeplab
(`utils/train_utils.py`, 2019): the sum over pixels of weight x cross entropy, divided by the number
of pixels that are not ignored (its code of 2018 divides by the number of non-zero weights: the same
unless a label weight is 0). Unlike there, no one-hot tensor of [pixels, classes] is made, and a
label that is not a class is an error of the input pipeline instead of a pixel without loss.

Focal loss and boundary cross entropy are such means over pixels, too, and know label weights and
hard pixels as it does. Dice and Lovász-softmax are means over classes (`region_losses`): label
weights weigh the classes there, and there are no hard pixels.

Each clone has the loss of its share of the batch, and a step the mean of the clones' losses. For
losses of regions that is not the loss of the whole batch, which no clone sees.
"""

import math
from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf

from deeplab.objective import label_borders, region_losses, upsampled_loss
from deeplab.options import ObjectiveOptions

_REGION_LOSSES = {
    "dice": region_losses.dice,
    "lovasz_softmax": region_losses.lovasz_softmax,
}

# A denominator of 0 pixels would be 0/0; research/deeplab's guard.
_SMALLEST_PIXEL_COUNT = 1e-5


def add_losses(
    scales_to_logits: Mapping[str, tf.Tensor],
    labels: tf.Tensor,
    objective: ObjectiveOptions,
    ignore_label: int,
) -> dict[str, tf.Tensor]:
    """Adds one loss for each scale to `tf.GraphKeys.LOSSES`.

    Args:
      scales_to_logits: logits by name of their scale, float32 [batch, h, w, num_classes].
      labels: int32 [batch, height, width, 1], class ids and the ignore label.
      objective: with `upsample_logits`, logits are resized to the labels' size (bilinear), else
        labels to the logits' size (nearest neighbor); the share of the pixels that count falls
        linearly from 1 to `top_k_percent_pixels` until `hard_example_mining_step`, for each loss
        of pixels on its own.
      ignore_label: label of pixels without loss and without gradient.

    Returns:
      The losses, float32 scalars, under the names of their scales. Where several are summed, also
      each of them, without its weight, as SCALE/NAME.

    Raises:
      ValueError: a value of the objective is out of its range.
    """
    losses = {}
    for scale, logits in scales_to_logits.items():
        check(objective, num_classes=logits.shape[-1].value)
        logits = tf.cast(logits, tf.float32)
        with tf.name_scope(f"{scale}_loss"):
            terms = _losses(logits, labels, objective, ignore_label)
            weights = objective.weights_of_losses()
            weighted = [
                loss if weights[name] == 1.0 else weights[name] * loss
                for name, loss in terms.items()
            ]
            loss = weighted[0] if len(weighted) == 1 else tf.add_n(weighted)
        tf.losses.add_loss(loss)
        losses[scale] = loss
        if len(terms) > 1:
            losses |= {f"{scale}/{name}": term for name, term in terms.items()}
    return losses


def _losses(
    logits: tf.Tensor, labels: tf.Tensor, objective: ObjectiveOptions, ignore_label: int
) -> dict[str, tf.Tensor]:
    """Returns the losses of logits, by name and without their weights."""

    def fitted(values: tf.Tensor) -> tf.Tensor:
        """Brings values [batch, height, width, 1] of the label's pixels to those of the loss."""
        if objective.upsample_logits:
            return values
        size = tf.shape(logits)[1:3]
        values = tf.image.resize_nearest_neighbor(values, size, align_corners=True)
        values.set_shape([*logits.shape[:3], 1])
        return values

    class_ids, weights, is_counted = _pixels(fitted(labels), ignore_label, objective.label_weights)

    def loss_of(name: str) -> tf.Tensor:
        if name in _REGION_LOSSES:
            class_weights = objective.label_weights or (1.0,) * logits.shape[-1].value
            return _REGION_LOSSES[name](
                logits,
                class_ids,
                is_counted,
                tf.constant(class_weights, tf.float32),
                per_image=objective.region_losses_per_image,
            )
        pixel_weights = weights
        if name == "boundary_cross_entropy":
            is_near = label_borders.near_borders(labels, objective.boundary_distance, ignore_label)
            pixel_weights *= 1.0 + (objective.boundary_weight - 1.0) * fitted(is_near)[..., 0]
        gamma = objective.focal_gamma if name == "focal" else 0.0
        return _pixel_mean(logits, class_ids, pixel_weights, is_counted, objective, gamma)

    return {name: loss_of(name) for name in objective.weights_of_losses()}


def _pixel_mean(
    logits: tf.Tensor,
    class_ids: tf.Tensor,
    weights: tf.Tensor,
    is_counted: tf.Tensor,
    objective: ObjectiveOptions,
    gamma: float,
) -> tf.Tensor:
    """Returns the weighted losses of pixels over the number of those that count.

    Args:
      gamma: 0 for the cross entropy; more for the focal loss.
    """
    if objective.top_k_percent_pixels == 1.0:
        num_pixels = tf.reduce_sum(is_counted)
    else:
        pixel_losses = upsampled_loss.pixel_losses(logits, class_ids, gamma) * weights
        is_hard, num_pixels = _hardest(pixel_losses, _share(objective))
        weights *= is_hard
    loss_sum = upsampled_loss.weighted_sum(logits, class_ids, weights, gamma)
    return loss_sum / tf.maximum(num_pixels, _SMALLEST_PIXEL_COUNT)


def _pixels(
    labels: tf.Tensor, ignore_label: int, label_weights: Sequence[float] | None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Reads labels, int32 [batch, height, width, 1].

    Returns:
      Class ids, int32 [batch, height, width], 0 where the label is ignored; weights, float32 of
      the same shape, 0 there; which pixels are counted, float32, 1 or 0.
    """
    labels = tf.squeeze(labels, axis=3)
    is_counted = tf.not_equal(labels, ignore_label)
    class_ids = tf.where(is_counted, labels, tf.zeros_like(labels))
    is_counted = weights = tf.cast(is_counted, tf.float32)
    if label_weights:
        weights *= tf.gather(tf.constant(label_weights, tf.float32), class_ids)
    return class_ids, weights, is_counted


def _share(objective: ObjectiveOptions) -> float | tf.Tensor:
    """The share of the pixels that count at the graph's global step."""
    if objective.hard_example_mining_step == 0:
        return objective.top_k_percent_pixels
    step = tf.cast(tf.train.get_or_create_global_step(), tf.float32)
    progress = tf.minimum(1.0, step / objective.hard_example_mining_step)
    return progress * objective.top_k_percent_pixels + (1.0 - progress)


def _hardest(pixel_losses: tf.Tensor, share: float | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds the share of the pixels that has the largest losses.

    Returns:
      Which pixels they are, float32 of the losses' shape, 1 or 0; how many of them are not 0.
    """
    losses = tf.reshape(pixel_losses, [-1])
    num_pixels = tf.size(losses)
    k = tf.maximum(tf.cast(share * tf.cast(num_pixels, tf.float32), tf.int32), 1)
    hardest = tf.math.top_k(losses, k=k, sorted=False)
    is_hard = tf.scatter_nd(hardest.indices[:, tf.newaxis], tf.ones([k]), [num_pixels])
    num_hard = tf.reduce_sum(tf.cast(tf.not_equal(hardest.values, 0.0), tf.float32))
    return tf.reshape(is_hard, tf.shape(pixel_losses)), num_hard


def check(objective: ObjectiveOptions, num_classes: int) -> None:
    """Refuses (ValueError) shares, steps and weights that do not suit the classes."""
    if not 0.0 < objective.top_k_percent_pixels <= 1.0:
        raise ValueError(
            f"top_k_percent_pixels is {objective.top_k_percent_pixels}; expected a share of the "
            "pixels greater than 0 and at most 1."
        )
    if objective.hard_example_mining_step < 0:
        raise ValueError(
            f"hard_example_mining_step is {objective.hard_example_mining_step}; expected 0 or more "
            "steps."
        )
    label_weights = objective.label_weights
    if not label_weights:
        return
    if len(label_weights) != num_classes:
        raise ValueError(
            f"label_weights has {len(label_weights)} numbers, but there are {num_classes} "
            "classes; expected one number for each class id."
        )
    if not all(math.isfinite(weight) and weight >= 0.0 for weight in label_weights):
        raise ValueError(
            f"label_weights is {list(label_weights)}; expected finite numbers of 0 or more."
        )
    if not any(label_weights):
        raise ValueError("label_weights are all 0: nothing would be learned.")
