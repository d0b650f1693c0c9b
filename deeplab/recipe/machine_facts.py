"""What of a machine decides which training run it can do."""

import dataclasses

import tensorflow.compat.v1 as tf

from common import memory
from datasets.records import workers


@dataclasses.dataclass(frozen=True)
class MachineFacts:
    """What of a machine decides which training run it can do.

    Attributes:
      num_gpus: GPUs that TensorFlow sees.
      num_cores: cores that this process may use.
      free_memory_gb: memory that is free, without swap; None where the system does not say.
    """

    num_gpus: int
    num_cores: int
    free_memory_gb: float | None


def examine() -> MachineFacts:
    """Looks at this machine."""
    free = memory.available_bytes(with_swap=False)
    return MachineFacts(
        num_gpus=len(tf.config.list_physical_devices("GPU")),
        num_cores=workers.num_cores(),
        free_memory_gb=None if free is None else free / 1e9,
    )
