"""One clone of a training run in the operations of research/deeplab, for comparison.

Every gradient is the one that TensorFlow registers for its operation, nothing is computed again
in the backward pass, and the loss is `reference.loss`.
"""

from collections.abc import Mapping

import tensorflow.compat.v1 as tf

from deeplab.network import model
from deeplab.options import ObjectiveOptions
from deeplab.run_description import RunDescription
from nets.batch_norm import SyncGroup
from reference import loss


def build_clone(
    batch: Mapping[str, tf.Tensor],
    description: RunDescription,
    objective: ObjectiveOptions,
    sync_group: SyncGroup | None = None,
) -> None:
    """Builds one clone; as `training_graph.build_clone`."""
    scales_to_logits = model.multi_scale_logits(
        batch,
        description.model,
        is_training=True,
        fine_tune_batch_norm=objective.fine_tune_batch_norm,
        weight_decay=objective.weight_decay,
        batch_norm_decay=objective.batch_norm_decay,
        sync_group=sync_group,
    )
    scales_to_losses = loss.add_losses(
        scales_to_logits,
        batch["label"],
        ignore_label=description.ignore_label,
        num_classes=description.model.num_classes,
        upsample_logits=objective.upsample_logits,
        label_weights=objective.label_weights,
        hard_example_mining_step=objective.hard_example_mining_step,
        top_k_percent_pixels=objective.top_k_percent_pixels,
    )
    with tf.name_scope(None):
        for scale, value in scales_to_losses.items():
            tf.summary.scalar(f"losses/{scale}", value)
