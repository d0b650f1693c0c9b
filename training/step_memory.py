"""Whether there is memory for a training step, and what is done where there is little."""

from collections.abc import Callable

from common import memory

# What a step takes is that much of what it holds between its passes (measured: 1.2 to 1.9).
_TYPICAL_SHARE = 1.5


def is_scarce(held: int) -> bool:
    """Whether a step that holds so many bytes will hardly fit into the memory that is free."""
    available = _free_bytes()
    return available is not None and held * _TYPICAL_SHARE > available


def describe(held: int, recomputed: str) -> str:
    """Tells what a step keeps and what it does not.

    Args:
      held: see `check`; tensors whose size is not known do not count.
      recomputed: what it computes again instead: `recomputation.describe`.
    """
    available = _free_bytes()
    free = "" if available is None else f" ({memory.in_words(available)} are free)"
    return (
        f"a step keeps {memory.in_words(held)} or more for its backward pass{free} and computes "
        f"again: {recomputed or 'nothing'}"
    )


def check(held: int, batch_size: int, advice: str, report: Callable[[str], None]) -> None:
    """Refuses a step for which memory cannot suffice, and warns of one for which it hardly will.

    Args:
      held: bytes that the step holds between its passes; see `graph_memory.held_bytes`.
      batch_size: examples of a step.
      advice: a sentence that tells users what to lower.
      report: takes the warning.

    Raises:
      ValueError: see `memory.check`.
    """
    what = f"A training step on {batch_size} examples"
    memory.check(held, what, advice)
    if is_scarce(held):
        free = memory.in_words(_free_bytes() or 0)
        report(
            f"warning: {what} needs some {memory.in_words(held * _TYPICAL_SHARE)} of memory, and "
            f"{free} are free. If it is not enough, the system kills the "
            f"training run without a message. {advice}"
        )


def _free_bytes() -> int | None:
    # Swap only keeps a process alive; steps have to be fast.
    return memory.available_bytes(with_swap=False)
