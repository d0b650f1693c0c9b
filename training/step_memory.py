"""Whether there is memory for a training step, and what is done where there is little."""

from collections.abc import Callable

from common import graph_memory, memory
from training.step_graph import Step

# What a step takes is that much of what it holds between its passes (measured: 1.2 to 1.9).
_TYPICAL_SHARE = 1.5


def is_scarce(step: Step) -> bool:
    """Whether a step will hardly fit into the memory that is free."""
    available = memory.available_bytes()
    needed = graph_memory.held_bytes(step.loss, step.train_op) * _TYPICAL_SHARE
    return available is not None and needed > available


def check(step: Step, batch_size: int, advice: str, report: Callable[[str], None]) -> None:
    """Refuses a step for which memory cannot suffice, and warns of one for which it hardly will.

    `advice` is a sentence that tells users what to lower.
    """
    what = f"A training step on {batch_size} examples"
    needed = graph_memory.held_bytes(step.loss, step.train_op)
    memory.check(needed, what, advice)
    available = memory.available_bytes()
    if available is not None and needed * _TYPICAL_SHARE > available:
        report(
            f"warning: {what} needs some {memory.in_words(needed * _TYPICAL_SHARE)} of memory, and "
            f"{memory.in_words(available)} are free. If it is not enough, the system kills the "
            f"training run without a message. {advice}"
        )
