"""One clone of a DeepLab training: network, losses, and what TensorBoard shows of them."""

import dataclasses
from collections.abc import Callable, Mapping

import tensorflow.compat.v1 as tf

from deeplab.network import model
from deeplab.objective import losses
from deeplab.options import RunDescription
from nets.backward import lean_gradients
from nets.batch_norm import SyncGroup
from serving.drawing import visualize

Batch = Mapping[str, tf.Tensor]

# Images of every batch that TensorBoard shows, as in research/deeplab's `samples`.
_MOST_IMAGES_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class ObjectiveOptions:
    """What a network is trained for, and how. Names and defaults are research/deeplab's flags.

    Attributes:
      weight_decay: weight of the L2 loss on convolution weights.
      fine_tune_batch_norm: whether batch norm uses the batch's statistics and updates the moving
        ones. Needs some 12 images in a batch of a clone (or of all, with `sync_batch_norm`).
      batch_norm_decay: decay of moving statistics; None for each layer's published value.
      sync_batch_norm: whether batch norm uses statistics over all clones.
      upsample_logits, label_weights, hard_example_mining_step, top_k_percent_pixels: see
        `losses.add_losses`.
      recompute_activations: whether the backward pass computes activations again, which takes less
        memory and more time than to keep them.
      save_summaries_images: whether TensorBoard shows images, labels and predictions.
    """

    weight_decay: float = 4e-5
    fine_tune_batch_norm: bool = True
    batch_norm_decay: float | None = None
    sync_batch_norm: bool = False
    upsample_logits: bool = True
    label_weights: tuple[float, ...] | None = None
    hard_example_mining_step: int = 0
    top_k_percent_pixels: float = 1.0
    recompute_activations: bool = True
    save_summaries_images: bool = False

    def __post_init__(self):
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay is {self.weight_decay}; expected 0 or more.")
        if self.batch_norm_decay is not None and not 0 <= self.batch_norm_decay < 1:
            raise ValueError(
                f"batch_norm_decay is {self.batch_norm_decay}; expected 0 to less than 1, such as "
                "0.99 for a short training."
            )
        if self.sync_batch_norm and not self.fine_tune_batch_norm:
            raise ValueError(
                "sync_batch_norm is set, but batch norm is frozen: leave one of --sync_batch_norm "
                "and --nofine_tune_batch_norm away."
            )


def clone_fn(
    description: RunDescription, objective: ObjectiveOptions, sync_group: SyncGroup | None = None
) -> Callable[[Batch], None]:
    """Returns the function that builds one clone.

    Args:
      description: the network, and how its classes are drawn.
      objective: what it is trained for.
      sync_group: shares batch statistics over clones; None keeps each clone's own.

    Returns:
      A function of a batch of `input_pipeline.training_batches`. It adds its losses to
      `tf.GraphKeys.LOSSES` and its summaries to `tf.GraphKeys.SUMMARIES`.
    """

    def build_clone(batch: Batch) -> None:
        with lean_gradients(objective.recompute_activations):
            scales_to_logits = model.multi_scale_logits(
                batch,
                description.model,
                is_training=True,
                fine_tune_batch_norm=objective.fine_tune_batch_norm,
                weight_decay=objective.weight_decay,
                batch_norm_decay=objective.batch_norm_decay,
                sync_group=sync_group,
            )
        scales_to_losses = losses.add_losses(
            scales_to_logits,
            tf.cast(batch["label"], tf.int32),
            ignore_label=description.ignore_label,
            num_classes=description.model.num_classes,
            upsample_logits=objective.upsample_logits,
            label_weights=objective.label_weights,
            hard_example_mining_step=objective.hard_example_mining_step,
            top_k_percent_pixels=objective.top_k_percent_pixels,
            global_step=tf.train.get_global_step(),
        )
        with tf.name_scope(None):  # the same tags for any number of clones
            for scale, loss in scales_to_losses.items():
                tf.summary.scalar(f"losses/{scale}", loss)
            if objective.save_summaries_images:
                _add_images(batch, scales_to_logits[model.MERGED_LOGITS], description)

    return build_clone


def describe_batch(batch: Batch) -> dict[str, tf.Tensor]:
    """Returns what tells a user which batch went wrong: its files and the label ids in it."""
    label_ids, _ = tf.unique(tf.reshape(batch["label"], [-1]))
    return {"files": batch["image_name"], "label ids": tf.sort(label_ids)}


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
