"""Runs a function over many files on all cores, in order, with a progress bar.

Threads, not processes: decoding, compressing and filtering images happens in libraries that let
other threads run meanwhile, and a thread needs no pickling and no second import of TensorFlow.
"""

import collections
import contextlib
import ctypes
import dataclasses
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent import futures
from typing import Generic, TypeVar

import tqdm

T = TypeVar("T")
R = TypeVar("R")

_TASKS_PER_WORKER = 4  # Finished results wait for their turn, so their number is bounded.

# Parameters of glibc's mallopt, from malloc.h, and their values in bytes.
_TRIM_THRESHOLD, _KEPT_BYTES = -1, 256 << 20
_MMAP_THRESHOLD, _LARGEST_KEPT_BLOCK = -3, 32 << 20  # It takes no more.


def num_cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_freed_memory() -> None:
    """Lets this process keep freed blocks of memory for its next ones, as far as glibc is used.

    By default arrays of an image's size go back to the system when they are freed, and new ones
    come page by page: a quarter of the processor time of a conversion.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # Another C library.
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
            mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT_BLOCK)


@dataclasses.dataclass(frozen=True)
class WeightLimit(Generic[T, R]):
    """Bounds what the calls of `map_in_order` take together, whatever their number.

    Attributes:
      weigh: what a call with an argument takes; runs in a worker thread and raises nothing.
      max_weight: of all calls that were begun and whose results were not yet taken.
      refuse: called with an argument and its weight, in place of the function, where the argument
        alone exceeds the limit.
    """

    weigh: Callable[[T], int]
    max_weight: int
    refuse: Callable[[T, int], R]


def map_in_order(
    function: Callable[[T], R],
    arguments: Sequence[T],
    *,
    description: str,
    unit: str = "img",
    num_workers: int | None = None,
    show_progress: bool = True,
    limit: WeightLimit[T, R] | None = None,
) -> Generator[R, None, None]:
    """Yields `function(argument)` for each argument, in order, computed by many threads.

    Args:
      function: called in a worker thread; what it raises is raised here.
      description: shown in front of the progress bar.
      unit: what the bar counts.
      num_workers: threads; None for one per core.
      show_progress: whether to draw a progress bar on stderr.
      limit: what calls may take together; None for four calls per worker, whatever they take.
    """
    keep_freed_memory()
    num_workers = num_workers or num_cores()
    gate = _Gate(limit.max_weight if limit else 0)

    def run(numbered: tuple[int, T]) -> tuple[R, int]:
        number, argument = numbered
        if limit is None:
            return function(argument), 0
        weight = limit.weigh(argument)
        is_refused = weight > limit.max_weight
        gate.enter(number, 0 if is_refused else weight)
        if is_refused:
            return limit.refuse(argument, weight), 0
        return function(argument), weight

    bar = tqdm.tqdm(
        total=len(arguments),
        desc=description,
        unit=unit,
        disable=not show_progress,
        dynamic_ncols=True,
    )
    with bar, futures.ThreadPoolExecutor(num_workers) as pool:
        try:
            work = enumerate(arguments)
            for result, weight in _bounded(pool, run, work, num_workers * _TASKS_PER_WORKER):
                # Before the caller goes on: it does not come back after the last one.
                bar.update()
                yield result
                gate.leave(weight)
        finally:
            gate.close()
            pool.shutdown(wait=True, cancel_futures=True)


class _Gate:
    """Admits calls one after the other, in order, while their weights fit under a limit.

    In order, so that nothing waits for ever: whoever is inside came before whoever waits, and its
    result is taken before that of the next is needed.
    """

    def __init__(self, max_weight: int):
        self._max_weight = max_weight
        self._changed = threading.Condition()
        self._next = self._weight = 0
        self._is_closed = False

    def enter(self, number: int, weight: int) -> None:
        """Waits for the turn of a number, from 0 on, and until its weight fits."""

        def may_enter() -> bool:
            fits = self._weight + weight <= self._max_weight
            return self._is_closed or (number == self._next and fits)

        with self._changed:
            self._changed.wait_for(may_enter)
            if self._is_closed:
                raise futures.CancelledError
            self._next += 1
            self._weight += weight
            self._changed.notify_all()

    def leave(self, weight: int) -> None:
        """Makes room."""
        with self._changed:
            self._weight -= weight
            self._changed.notify_all()

    def close(self) -> None:
        """Ends all waiting; nobody enters any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


def _bounded(
    pool: futures.Executor, function: Callable[[T], R], arguments: Iterable[T], limit: int
) -> Iterator[R]:
    """Like `pool.map`, but with at most `limit` calls begun and not yet taken."""
    waiting: collections.deque[futures.Future[R]] = collections.deque()
    for argument in arguments:
        waiting.append(pool.submit(function, argument))
        if len(waiting) >= limit:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
