"""Clones of a network in one graph: where they run, and how their gradients become one.

The batch of a step is fetched once and split over the clones. Every clone computes its loss on its
share; the losses, divided by the number of clones, and the regularization, once, are the loss of
the step. Where a loss is a mean over examples, its gradients are those that one clone would have
had on the whole batch (batch norm aside, unless it is synchronized).

Names follow `slim/deployment/model_deploy.py` of tensorflow/models: scopes `clone_0`, `clone_1` …
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import tensorflow.compat.v1 as tf

from deployment.config import DeploymentConfig

# Tensors [batch, ...] by name.
Batch = Mapping[str, tf.Tensor]

_VARIABLE_OPS = frozenset({"Variable", "VariableV2", "VarHandleOp"})


def device_function(config: DeploymentConfig, device: str) -> Callable[[tf.Operation], str]:
    """Returns a `tf.device` function: variables on their device, everything else on `device`.

    Variables are in the memory of the parameter servers if there are any, spread evenly, GPUs
    there or not; else on the CPU if several clones share them; else beside their clone.
    """
    if config.is_distributed:
        return tf.train.replica_device_setter(
            ps_tasks=config.num_ps_tasks,
            ps_device="/job:ps/device:CPU:0",
            worker_device=device,
        )
    variables_device = "/device:CPU:0" if config.num_clones > 1 else device

    def choose(op: tf.Operation) -> str:
        return variables_device if op.type in _VARIABLE_OPS else device

    return choose


@dataclasses.dataclass(frozen=True)
class Clone:
    """A copy of the network: name scope ("" for a single one), device, what it collected."""

    scope: str
    device: str
    losses: tuple[tf.Tensor, ...]
    regularization_losses: tuple[tf.Tensor, ...]
    update_ops: tuple[tf.Operation | tf.Tensor, ...]
    summaries: tuple[tf.Tensor, ...]


def split_batch(config: DeploymentConfig, batch: Batch) -> list[dict[str, tf.Tensor]]:
    """Splits a batch along its first axis, on the CPU: clone 0 gets the first examples."""
    if config.num_clones == 1:
        return [dict(batch)]
    with tf.device(config.inputs_device()), tf.name_scope("split_batch"):
        shares = {name: tf.split(tensor, config.num_clones) for name, tensor in batch.items()}
    return [{name: shares[name][index] for name in batch} for index in range(config.num_clones)]


def create_clones(
    config: DeploymentConfig,
    build_clone: Callable[[Batch], None],
    shares: Sequence[Batch],
    getter_of: Callable[[int], Callable] | None = None,
) -> list[Clone]:
    """Builds the clones; all share the variables that the first one makes.

    Args:
      config: where they run.
      build_clone: builds one clone on its share of the batch. Makes variables by `tf.get_variable`
        and adds at least one loss to `tf.GraphKeys.LOSSES`.
      shares: each clone's share of the batch; see `split_batch`.
      getter_of: returns the `custom_getter` of a clone's variables.
    """
    clones = []
    for index, share in enumerate(shares):
        scope, device = config.clone_scope(index), config.clone_device(index)
        seen = {key: len(tf.get_collection(key)) for key in _COLLECTIONS}
        with (
            tf.variable_scope(
                tf.get_variable_scope(),
                reuse=True if index else None,
                custom_getter=getter_of(index) if getter_of else None,
            ),
            tf.name_scope(f"{scope}/" if scope else None),
            tf.device(device_function(config, device)),
        ):
            build_clone(share)
        added = {key: tuple(tf.get_collection(key)[seen[key] :]) for key in _COLLECTIONS}
        if not added[tf.GraphKeys.LOSSES]:
            raise ValueError(f"clone {index} adds no loss to tf.GraphKeys.LOSSES.")
        clones.append(Clone(scope, device, *added.values()))
    return clones


def total_loss(
    config: DeploymentConfig,
    clones: list[Clone],
    regularization_losses: Sequence[tf.Tensor] | None = None,
) -> tf.Tensor:
    """Returns the loss of a step: the clones' mean, and regularization.

    Args:
      config, clones: where the clones run, and what was built.
      regularization_losses: None for those of the first clone.
    """
    if regularization_losses is None:
        regularization_losses = clones[0].regularization_losses
    with tf.device(config.optimizer_device()), tf.name_scope("total_loss"):
        clone_losses = [tf.add_n(clone.losses) / len(clones) for clone in clones]
        return tf.add_n([*clone_losses, *regularization_losses])


_COLLECTIONS = (  # in the order of Clone's fields
    tf.GraphKeys.LOSSES,
    tf.GraphKeys.REGULARIZATION_LOSSES,
    tf.GraphKeys.UPDATE_OPS,
    tf.GraphKeys.SUMMARIES,
)
