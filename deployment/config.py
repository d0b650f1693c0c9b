"""Where the parts of a training graph run; imports no TensorFlow, as commands make flags of it."""

import dataclasses

from common.option_fields import HARDWARE, option


@dataclasses.dataclass(frozen=True)
class DeploymentConfig:
    """Where the parts of a training graph run.

    Attributes:
      ps_addresses: where the parameter servers listen, host:port; empty if it is not known.

    Raises:
      ValueError: the numbers contradict each other.
    """

    num_clones: int = option(
        1,
        "Model replicas in this process, one per GPU, that share each batch.",
        HARDWARE,
        is_common=True,
        aliases=("gpus", "num_gpus", "n_gpus", "ngpus", "devices", "num_devices"),
    )
    clone_on_cpu: bool = option(
        False, "Run all clones on the CPU.", HARDWARE, aliases=("cpu", "use_cpu")
    )
    replica_id: int = option(
        0,
        "Index of this worker; 0 is the chief, which saves checkpoints.",
        HARDWARE,
        flag="task",
    )
    num_replicas: int = option(
        1,
        "Workers in the cluster. Each applies its gradients to the shared variables without "
        "waiting for the others.",
        HARDWARE,
    )
    num_ps_tasks: int = option(
        0, "Parameter servers in the cluster, which hold the variables.", HARDWARE
    )
    prefetch_to_clones: bool = option(
        False, "Copy each batch to the GPUs while they work on the one before.", HARDWARE
    )
    nccl: bool = option(
        False,
        "Sum gradients between GPUs with NVIDIA's NCCL instead of on the CPU. No effect on a CPU.",
        HARDWARE,
    )
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
        """Whether this worker initializes the variables and saves checkpoints."""
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

    def clone_batch_size(self, batch_size: int) -> int:
        """Returns each clone's share of a batch.

        Raises:
          ValueError: there is nothing to share, or the clones do not divide it.
        """
        share, left_over = divmod(batch_size, self.num_clones)
        if left_over or share < 1:
            lower = max(share, 1) * self.num_clones
            over = f"{self.num_clones} clones" if self.num_clones > 1 else "1 clone"
            raise ValueError(
                f"a batch of {batch_size} cannot be divided over {over}; train_batch_size must be "
                f"a multiple of num_clones, for example {lower} or {lower + self.num_clones}."
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
            + ("" if num_gpus else " clone_on_cpu says that this is intended.")
        )

    @property
    def _worker(self) -> str:
        return f"/job:worker/task:{self.replica_id}" if self.is_distributed else ""
