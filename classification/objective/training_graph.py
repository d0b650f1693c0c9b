"""One clone of a classifier in training: network, loss, and what TensorBoard shows of them.

Label smoothing: Szegedy et al., "Rethinking the Inception Architecture", arXiv 1512.00567, section
7. Mixup: Zhang et al., "mixup: Beyond Empirical Risk Minimization", arXiv 1710.09412.
"""

from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf

from classification.options import ModelOptions, ObjectiveOptions
from nets import classifier
from nets.backward import lean_gradients
from nets.batch_norm import BatchNormMode, SyncGroup

Batch = Mapping[str, tf.Tensor]

AUXILIARY_LOGITS = "AuxLogits"


def build_clone(
    batch: Batch,
    model: ModelOptions,
    objective: ObjectiveOptions,
    *,
    class_weights: Sequence[float] | None = None,
    mixup: float = 0.0,
    sync_group: SyncGroup | None = None,
) -> None:
    """Builds one clone.

    It adds its losses to `tf.GraphKeys.LOSSES` and its summaries to `tf.GraphKeys.SUMMARIES`.

    Args:
      batch: as of `input_pipeline.training_batches`.
      model: the network.
      objective: what it is trained for.
      class_weights: weight of each class in the loss; None for 1 each.
      mixup: alpha of mixup; 0 for none.
      sync_group: shares batch statistics over clones; None keeps each clone's own.
    """
    labels = _smoothed(tf.one_hot(batch["label"], model.num_classes), objective.label_smoothing)
    weights = tf.ones_like(batch["label"], tf.float32)
    if class_weights is not None:
        weights = tf.gather(tf.constant(class_weights, tf.float32), batch["label"])
    images = batch["image"]
    if mixup:
        images, labels, weights = _mix(images, labels, weights, mixup)
    recomputes = objective.recompute_activations
    if recomputes is None:
        recomputes = model.model_variant.startswith("densenet")
    batch_norm = BatchNormMode(
        objective.fine_tune_batch_norm, objective.batch_norm_decay, sync_group
    )
    with lean_gradients(recomputes):
        logits, end_points = classifier.classify(
            images,
            model.model_variant,
            num_classes=model.num_classes,
            is_training=True,
            dropout_keep_prob=model.dropout_keep_prob,
            weight_decay=objective.weight_decay,
            batch_norm=batch_norm,
            options=model.encoder_options(),
        )
    loss = _cross_entropy(logits, labels, weights)
    tf.losses.add_loss(loss)
    if AUXILIARY_LOGITS in end_points and objective.auxiliary_loss_weight:
        auxiliary = _cross_entropy(end_points[AUXILIARY_LOGITS], labels, weights)
        tf.losses.add_loss(objective.auxiliary_loss_weight * auxiliary)
    # Of mixed images, the label is that of the larger share.
    hits = tf.equal(tf.argmax(logits, 1, output_type=batch["label"].dtype), batch["label"])
    with tf.name_scope(None):  # the same tags for any number of clones
        tf.summary.scalar("losses/cross_entropy", loss)
        tf.summary.scalar("accuracy/training_batch", tf.reduce_mean(tf.cast(hits, tf.float32)))


def _smoothed(labels: tf.Tensor, share: float) -> tf.Tensor:
    """Spreads a share of labels, float32 [batch, classes], over all classes."""
    if not share:
        return labels
    return (1.0 - share) * labels + share / labels.shape[1].value


def _mix(
    images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, alpha: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Blends each example with the one as far from the end of the batch as it is from the start.

    The share of the first is drawn for each pair from Beta(alpha, alpha), and is at least half.
    """
    size = tf.shape(weights)
    first, second = (tf.random_gamma(size, alpha) for _ in range(2))
    # Both may be 0 for a small alpha: float32 has no smaller numbers.
    share = tf.div_no_nan(first, first + second)
    share = tf.maximum(share, 1.0 - share)

    def blend(values: tf.Tensor) -> tf.Tensor:
        shares = tf.reshape(share, [-1] + [1] * (values.shape.rank - 1))
        return shares * values + (1.0 - shares) * tf.reverse(values, [0])

    # A weight goes with its own label: the loss is that of both images, each times its weight.
    weighted, weights = blend(weights[:, tf.newaxis] * labels), blend(weights)
    return blend(images), tf.div_no_nan(weighted, weights[:, tf.newaxis]), weights


def _cross_entropy(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    losses = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
    return tf.reduce_mean(losses * weights)
