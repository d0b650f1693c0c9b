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
    scales_to_logits = model.multi_scale_logits(batch, description.model, objective, sync_group)
    loss.add_losses(scales_to_logits, batch["label"], objective, description.ignore_label)
