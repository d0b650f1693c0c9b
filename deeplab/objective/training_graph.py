"""One clone of a DeepLab training: network, losses, and what TensorBoard shows of them."""

from collections.abc import Mapping

import tensorflow.compat.v1 as tf

from deeplab.network import model
from deeplab.objective import losses
from deeplab.options import ObjectiveOptions
from deeplab.run_description import RunDescription
from nets.backward import lean_gradients
from nets.batch_norm import SyncGroup
from serving.drawing import visualize

Batch = Mapping[str, tf.Tensor]

# Images of every batch that TensorBoard shows, as in research/deeplab's `samples`.
_MOST_IMAGES_SHOWN = 3


def build_clone(
    batch: Batch,
    description: RunDescription,
    objective: ObjectiveOptions,
    sync_group: SyncGroup | None = None,
) -> None:
    """Builds one clone.

    It adds its losses to `tf.GraphKeys.LOSSES` and its summaries to `tf.GraphKeys.SUMMARIES`.

    Args:
      batch: as of `input_pipeline.training_batches`.
      description: the network, and how its classes are drawn.
      objective: what it is trained for.
      sync_group: shares batch statistics over clones; None keeps each clone's own.
    """
    with lean_gradients(objective.recompute_activations):
        scales_to_logits = model.multi_scale_logits(batch, description.model, objective, sync_group)
    labels = tf.cast(batch["label"], tf.int32)
    scales_to_losses = losses.add_losses(
        scales_to_logits, labels, objective, description.ignore_label
    )
    with tf.name_scope(None):  # the same tags for any number of clones
        for scale, loss in scales_to_losses.items():
            tf.summary.scalar(f"losses/{scale}", loss)
        if objective.save_summaries_images:
            _add_images(batch, scales_to_logits[model.MERGED_LOGITS], description)


def _add_images(batch: Batch, logits: tf.Tensor, description: RunDescription) -> None:
    """Adds summaries of the first images, their labels and the prediction in class colors."""
    shown = {key: batch[key][:_MOST_IMAGES_SHOWN] for key in ("image", "label")}
    size = tf.shape(shown["label"])[1:3]
    logits = tf.image.resize_bilinear(logits[:_MOST_IMAGES_SHOWN], size, align_corners=True)
    colors = tf.constant(visualize.color_table(description.palette))
    images = tf.cast(shown["image"], tf.uint8)
    labels = tf.gather(colors, tf.cast(tf.squeeze(shown["label"], axis=3), tf.int32))
    predictions = tf.gather(colors, tf.argmax(logits, axis=3))
    for name, shown_images in (("image", images), ("label", labels), ("prediction", predictions)):
        tf.summary.image(f"samples/{name}", shown_images, max_outputs=_MOST_IMAGES_SHOWN)
