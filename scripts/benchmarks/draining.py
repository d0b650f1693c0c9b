"""Measures a pipeline that works ahead of whoever takes its batches."""

import time
from collections.abc import Callable
from typing import Any

from scripts.benchmarks import contender

# More than any contender makes ahead (the plain order: as many batches as a batch has images).
# They are taken before each round, lest it measure how fast finished batches are handed over.
DRAINED_BATCHES = 12


def serve(channel: contender.Channel, take_batch: Callable[[], object], **facts: Any) -> None:
    """Does the rounds of a contender whose iterations are batches; arguments as `Channel.serve`."""
    take_batch()
    channel.say_ready(**facts)
    while (batches := channel.wait()) is not None:
        for _ in range(DRAINED_BATCHES):
            take_batch()
        start = time.perf_counter()
        for _ in range(batches):
            take_batch()
        channel.say_seconds((time.perf_counter() - start) / batches)
