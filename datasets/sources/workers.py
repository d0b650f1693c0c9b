"""Runs a function over many files on all cores, in order, with a progress bar.

Threads, not processes: decoding, compressing and filtering pictures happens in libraries that let
other threads run meanwhile, and a thread needs no pickling and no second import of TensorFlow.
"""

import collections
import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent import futures
from typing import TypeVar

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

    By default arrays of a picture's size go back to the system when they are freed, and new ones
    come page by page: a quarter of the processor time of a conversion.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # Another C library.
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
            mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT_BLOCK)


def map_in_order(
    function: Callable[[T], R],
    arguments: Sequence[T],
    *,
    description: str,
    num_workers: int | None = None,
    show_progress: bool = True,
) -> Iterator[R]:
    """Yields `function(argument)` for each argument, in order, computed by many threads.

    Args:
      function: called in a worker thread; what it raises is raised here.
      arguments: what to call it with.
      description: shown in front of the progress bar.
      num_workers: threads; None for one a core.
      show_progress: whether to draw a progress bar (on stderr, with pictures per second and the
        time left).

    Yields:
      The results.
    """
    keep_freed_memory()
    num_workers = num_workers or num_cores()
    bar = tqdm.tqdm(
        total=len(arguments),
        desc=description,
        unit="img",
        disable=not show_progress,
        dynamic_ncols=True,
    )
    with bar, futures.ThreadPoolExecutor(num_workers) as pool:
        try:
            for result in _bounded(pool, function, arguments, num_workers * _TASKS_PER_WORKER):
                # Before the caller goes on: it does not come back after the last one.
                bar.update()
                yield result
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _bounded(
    pool: futures.Executor, function: Callable[[T], R], arguments: Iterable[T], limit: int
) -> Iterator[R]:
    """Like `pool.map`, but with at most `limit` calls begun and not yet taken."""
    waiting: collections.deque[futures.Future] = collections.deque()
    for argument in arguments:
        waiting.append(pool.submit(function, argument))
        if len(waiting) >= limit:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
