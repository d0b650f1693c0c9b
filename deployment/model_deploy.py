"""Clones of a network in one graph: where they run, and how their gradients become one.

The batch of a step is fetched once and split over the clones. Every clone computes its loss on its
share; the losses, divided by the number of clones, and the regularisation, once, are the loss of
the step. Where a loss is a mean over examples, its gradients are those that one clone would have
had on the whole batch (batch norm aside, unless it is synchronised).

Names follow `slim/deployment/model_deploy.py` of tensorflow/models: scopes `clone_0`, `clone_1` …
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import tensorflow.compat.v1 as tf

Batch = Mapping[str, tf.Tensor]

_VARIABLE_OPS = frozenset({"Variable", "VariableV2", "VarHandleOp"})


@dataclasses.dataclass(frozen=True)
class DeploymentConfig:
    """Where the parts of a training graph run.

    Attributes:
      num_clones: copies of the network in this process, one a GPU.
      clone_on_cpu: whether all clones run on the CPU.
      replica_id: index of this worker process; 0 is the chief, which saves checkpoints.
      num_replicas: worker processes. Each applies its gradients to the shared variables on its
        own, without waiting for the others.
      num_ps_tasks: parameter server processes, which hold the variables.
      prefetch_to_clones: whether a batch is copied to the clones' devices a step ahead.
      nccl: whether gradients are summed between GPUs by NCCL, and not on the CPU.
      ps_addresses: where the parameter servers listen, host:port; empty if it is not known.
    """

    num_clones: int = 1
    clone_on_cpu: bool = False
    replica_id: int = 0
    num_replicas: int = 1
    num_ps_tasks: int = 0
    prefetch_to_clones: bool = False
    nccl: bool = False
    ps_addresses: tuple[str, ...] = ()

    def __post_init__(self):
        for name, smallest in (("num_clones", 1), ("num_replicas", 1), ("num_ps_tasks", 0)):
            if getattr(self, name) < smallest:
                raise ValueError(f"{name} is {getattr(self, name)}; expected {smallest} or more.")
        if not 0 <= self.replica_id < self.num_replicas:
            raise ValueError(
                f"replica_id is {self.replica_id}; expected 0..{self.num_replicas - 1}, because "
                f"num_replicas is {self.num_replicas}."
            )
        if self.num_replicas > 1 and not self.num_ps_tasks:
            raise ValueError(
                f"num_replicas is {self.num_replicas} and num_ps_tasks is 0: without a parameter "
                "server every worker would train a network of its own. Start at least one."
            )

    @property
    def is_chief(self) -> bool:
        """Whether this worker initialises the variables and saves checkpoints."""
        return self.replica_id == 0

    @property
    def is_distributed(self) -> bool:
        """Whether the variables live in other processes."""
        return self.num_ps_tasks > 0

    def clone_scope(self, index: int) -> str:
        """Returns the name scope of a clone; a single clone needs none."""
        return f"clone_{index}" if self.num_clones > 1 else ""

    def clone_device(self, index: int) -> str:
        """Returns the device of a clone's arithmetic."""
        if self.clone_on_cpu:
            return f"{self._worker}/device:CPU:0"
        if self.num_clones > 1:
            return f"{self._worker}/device:GPU:{index}"
        return self._worker

    def inputs_device(self) -> str:
        """Returns the device of the input pipeline and of the split over clones."""
        return f"{self._worker}/device:CPU:0"

    def optimizer_device(self) -> str:
        """Returns the device where gradients are summed and the step is checked."""
        return f"{self._worker}/device:CPU:0" if self.num_clones > 1 else self._worker

    def device_function(self, device: str) -> Callable[[tf.Operation], str]:
        """Returns a `tf.device` function: variables on their device, everything else on `device`.

        Variables are in the memory of the parameter servers if there are any, spread evenly, GPUs
        there or not; else on the CPU if several clones share them; else beside their clone.
        """
        if self.is_distributed:
            return tf.train.replica_device_setter(
                ps_tasks=self.num_ps_tasks,
                ps_device="/job:ps/device:CPU:0",
                worker_device=device,
            )
        variables_device = "/device:CPU:0" if self.num_clones > 1 else device

        def choose(op: tf.Operation) -> str:
            return variables_device if op.type in _VARIABLE_OPS else device

        return choose

    def clone_batch_size(self, batch_size: int) -> int:
        """Returns each clone's share of a batch.

        Raises:
          ValueError: the clones do not divide it.
        """
        share, left_over = divmod(batch_size, self.num_clones)
        if left_over or not share:
            lower = max(share, 1) * self.num_clones
            raise ValueError(
                f"a batch of {batch_size} cannot be divided over {self.num_clones} clones; "
                f"train_batch_size must be a multiple of num_clones, for example {lower}"
                + (f" or {lower + self.num_clones}." if share else ".")
            )
        return share

    def placement_warning(self, num_gpus: int) -> str | None:
        """Returns what the user should know when there are fewer GPUs than clones.

        Args:
          num_gpus: GPUs of this machine (`tf.config.list_physical_devices("GPU")`).
        """
        if self.clone_on_cpu or self.num_clones <= max(num_gpus, 1):
            return None
        have = "no GPU" if not num_gpus else f"{num_gpus} GPU{'s' if num_gpus > 1 else ''}"
        where = f"GPU 0..{num_gpus - 1}" if num_gpus else "the CPU"
        return (
            f"num_clones is {self.num_clones}, but this machine has {have}: the clones share "
            f"{where}, which is no faster than fewer clones."
            + ("" if num_gpus else " --clone_on_cpu says that this is intended.")
        )

    @property
    def _worker(self) -> str:
        return f"/job:worker/task:{self.replica_id}" if self.is_distributed else ""


@dataclasses.dataclass(frozen=True)
class Clone:
    """One copy of the network and what building it added to the graph's collections.

    Attributes:
      scope: name scope, "" for a single clone.
      device: device of its arithmetic.
      losses: scalars of `tf.GraphKeys.LOSSES`.
      regularization_losses: scalars of `tf.GraphKeys.REGULARIZATION_LOSSES`.
      update_ops: ops of `tf.GraphKeys.UPDATE_OPS`.
      summaries: tensors of `tf.GraphKeys.SUMMARIES`.
    """

    scope: str
    device: str
    losses: tuple[tf.Tensor, ...]
    regularization_losses: tuple[tf.Tensor, ...]
    update_ops: tuple[tf.Operation | tf.Tensor, ...]
    summaries: tuple[tf.Tensor, ...]


def split_batch(config: DeploymentConfig, batch: Batch) -> list[dict[str, tf.Tensor]]:
    """Splits every tensor of a batch along its first axis, on the CPU.

    Args:
      config: the deployment.
      batch: tensors by name, each [batch, ...].

    Returns:
      One batch per clone, in order: clone 0 gets the first examples.
    """
    if config.num_clones == 1:
        return [dict(batch)]
    with tf.device(config.inputs_device()), tf.name_scope("split_batch"):
        shares = {name: tf.split(tensor, config.num_clones) for name, tensor in batch.items()}
    return [{name: shares[name][index] for name in batch} for index in range(config.num_clones)]


def create_clones(
    config: DeploymentConfig,
    clone_fn: Callable[[Batch], None],
    shares: Sequence[Batch],
    getter_of: Callable[[int], Callable] | None = None,
) -> list[Clone]:
    """Builds the clones; all share the variables that the first one makes.

    Args:
      config: the deployment.
      clone_fn: builds one clone on its share of the batch. Makes variables by `tf.get_variable`
        and adds at least one loss to `tf.GraphKeys.LOSSES`.
      shares: each clone's share of the batch; see `split_batch`.
      getter_of: returns the `custom_getter` of a clone's variables.

    Returns:
      The clones in order.

    Raises:
      ValueError: a clone adds no loss.
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
            tf.device(config.device_function(device)),
        ):
            clone_fn(share)
        added = {key: tuple(tf.get_collection(key)[seen[key] :]) for key in _COLLECTIONS}
        if not added[tf.GraphKeys.LOSSES]:
            raise ValueError(f"clone {index} adds no loss to tf.GraphKeys.LOSSES.")
        clones.append(Clone(scope, device, *added.values()))
    return clones


def total_loss(config: DeploymentConfig, clones: list[Clone]) -> tf.Tensor:
    """Returns the loss of a step: the clones' mean, and the regularisation of the first clone.

    Args:
      config: the deployment.
      clones: its clones.

    Returns:
      float32 scalar.
    """
    with tf.device(config.optimizer_device()), tf.name_scope("total_loss"):
        clone_losses = [tf.add_n(clone.losses) / len(clones) for clone in clones]
        return tf.add_n([*clone_losses, *clones[0].regularization_losses])


_COLLECTIONS = (  # in the order of Clone's fields
    tf.GraphKeys.LOSSES,
    tf.GraphKeys.REGULARIZATION_LOSSES,
    tf.GraphKeys.UPDATE_OPS,
    tf.GraphKeys.SUMMARIES,
)
