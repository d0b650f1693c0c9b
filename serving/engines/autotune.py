"""Which of several engines is the fastest here: it depends on network and processor."""

import time
from collections.abc import Sequence

import numpy as np

from serving.engines.engine import Engine

_MAX_ROUNDS = 3
# In each round. Threads of the engine before it still wait for work, and disturb the first one.
_RUNS_IN_A_ROW = 3
# No run but the first in a row starts later.
_MAX_ROW_SECS = 0.3
# No round starts later.
_MAX_SECS = 1.0


def fastest(entrants: Sequence[Engine], size: tuple[int, int]) -> Engine:
    """Runs engines in turn on an empty image of (height, width) and closes all but the fastest.

    Returns:
      The one with the shortest single run.
    """
    image = np.zeros([1, *size, 3], np.uint8)
    for engine in entrants:
        engine.run(image, False)  # The set-up in the first run does not count.
    shortest = [float("inf")] * len(entrants)
    end = time.perf_counter() + _MAX_SECS
    for _ in range(_MAX_ROUNDS):
        for index, engine in enumerate(entrants):
            row_end = time.perf_counter() + _MAX_ROW_SECS
            for _ in range(_RUNS_IN_A_ROW):
                start = time.perf_counter()
                engine.run(image, False)
                now = time.perf_counter()
                shortest[index] = min(shortest[index], now - start)
                if now > row_end:
                    break
        if time.perf_counter() > end:
            break
    winner = entrants[int(np.argmin(shortest))]
    for engine in entrants:
        if engine is not winner:
            engine.close()
    return winner
