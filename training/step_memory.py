"""Whether there is memory for a training step."""

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from common import graph_memory, memory
from deployment.config import DeploymentConfig
from training.options import TrainOptions
from training.step_graph import Step

# What a step takes is that much of what it holds between its passes (measured: 1.2 to 1.9).
_TYPICAL_SHARE = 1.5


def check(
    step: Step,
    options: TrainOptions,
    deployment: DeploymentConfig,
    advice: str,
    report: Callable[[str], None],
) -> None:
    """Refuses a step for which memory cannot suffice, and warns of one for which it hardly will.

    Of a GPU's memory TensorFlow says itself, in an error, that it is full.

    Args:
      step: the step's tensors.
      options, deployment: what is trained, and where.
      advice: a sentence that tells users what to lower.
      report: takes a line that a user should see.

    Raises:
      ValueError: memory cannot suffice.
    """
    if tf.config.list_physical_devices("GPU") and not deployment.clone_on_cpu:
        return
    what = f"A training step on {options.train_batch_size} examples"
    needed = graph_memory.held_bytes(step.loss, step.train_op)
    memory.check(needed, what, advice)
    available = memory.available_bytes()
    if available is not None and needed * _TYPICAL_SHARE > available:
        report(
            f"warning: {what} needs some {memory.in_words(needed * _TYPICAL_SHARE)} of memory, and "
            f"{memory.in_words(available)} are free. If it is not enough, the system ends the "
            f"training without a word. {advice}"
        )
