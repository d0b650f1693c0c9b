"""Which of several engines is the fastest here: which one depends on network and processor."""

import time
from collections.abc import Sequence

import numpy as np

from serving.engines.engine import Engine

# Rounds in which each engine has a turn, and seconds after which there are no more.
_MOST_ROUNDS = 5
_SECS = 1.0


def fastest(entrants: Sequence[Engine], size: tuple[int, int]) -> Engine:
    """Runs engines in turn and closes all but the fastest.

    Args:
      entrants: at least one; a single one is not run.
      size: (height, width) of the image that they run.

    Returns:
      The one with the shortest run of all.
    """
    if len(entrants) == 1:
        return entrants[0]
    image = np.zeros([1, *size, 3], np.uint8)
    for engine in entrants:
        engine.run(image, False)  # What is set up at the first run does not count.
    shortest = [float("inf")] * len(entrants)
    end = time.perf_counter() + _SECS
    for _ in range(_MOST_ROUNDS):
        for index, engine in enumerate(entrants):
            start = time.perf_counter()
            engine.run(image, False)
            shortest[index] = min(shortest[index], time.perf_counter() - start)
        if time.perf_counter() > end:
            break
    winner = entrants[int(np.argmin(shortest))]
    for engine in entrants:
        if engine is not winner:
            engine.close()
    return winner
