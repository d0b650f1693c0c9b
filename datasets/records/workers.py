"""Runs a function over many files on all cores, in order, with a progress bar.

Threads by default: decoding, compressing and filtering images happens in libraries that let other
threads run meanwhile, and a thread needs no pickling and no second import of TensorFlow. Processes
for what is mostly Python itself, such as drawing, where threads wait for each other.
"""

import collections
import dataclasses
import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent import futures
from typing import Generic, TypeVar

import tqdm

from common import memory

T = TypeVar("T")
R = TypeVar("R")

_TASKS_PER_WORKER = 4  # Finished results wait for their turn, so their number is bounded.


def num_cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
    in_processes: bool = False,
) -> Generator[R, None, None]:
    """Yields `function(argument)` for each argument, in order, computed by many workers.

    Args:
      function: called in a worker; what it raises is raised here.
      description, unit: of the progress bar on stderr.
      num_workers: threads or processes; None for one per core.
      limit: what calls may take together; None for four calls per worker, whatever they take.
      in_processes: whether workers are processes, each of which takes half a second to start.
        Function, arguments and results are pickled then.
    """
    memory.keep_freed()
    num_workers = num_workers or num_cores()
    max_calls = num_workers * _TASKS_PER_WORKER
    bar = tqdm.tqdm(
        total=len(arguments),
        desc=description,
        unit=unit,
        disable=not show_progress,
        dynamic_ncols=True,
    )
    with bar, _start_pool(num_workers, in_processes) as pool:
        try:
            calls: Iterator[tuple[Callable[[], R], int]]
            calls = ((functools.partial(function, argument), 0) for argument in arguments)
            if limit is not None:
                calls = _weigh(pool, function, arguments, max_calls, limit)
            for result in _run(pool, calls, max_calls, limit.max_weight if limit else 0):
                # Before the caller goes on: it does not come back after the last one.
                bar.update()
                yield result
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start_pool(num_workers: int, in_processes: bool) -> futures.Executor:
    if not in_processes:
        return futures.ThreadPoolExecutor(num_workers)
    # Not forked: a copy of a process in which other threads run may wait for a lock forever.
    context = multiprocessing.get_context("spawn")
    return futures.ProcessPoolExecutor(num_workers, context, initializer=_prepare_process)


def _prepare_process() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the caller's, who ends the pool.
    memory.keep_freed()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this process when its parent was killed, as it would wait for calls forever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _weigh(
    pool: futures.Executor,
    function: Callable[[T], R],
    arguments: Sequence[T],
    max_calls: int,
    limit: WeightLimit[T, R],
) -> Iterator[tuple[Callable[[], R], int]]:
    """Yields a call and its weight for each argument, weighed by a pool that is ahead of them."""
    weighings = ((functools.partial(limit.weigh, argument), 0) for argument in arguments)
    for argument, weight in zip(arguments, _run(pool, weighings, max_calls), strict=True):
        if weight > limit.max_weight:
            yield functools.partial(limit.refuse, argument, weight), 0
        else:
            yield functools.partial(function, argument), weight


def _run(
    pool: futures.Executor,
    weighed_calls: Iterable[tuple[Callable[[], R], int]],
    max_calls: int,
    max_weight: int = 0,
) -> Iterator[R]:
    """Yields the results of calls in order, while a pool is ahead of the caller by at most so many.

    Results that the caller works with still count: it asks for the next one when it is done.
    """
    begun: collections.deque[tuple[futures.Future[R], int]] = collections.deque()
    for call, weight in weighed_calls:
        while begun and (
            len(begun) >= max_calls or weight + sum(each for _, each in begun) > max_weight
        ):
            yield begun[0][0].result()
            begun.popleft()
        begun.append((pool.submit(call), weight))
    while begun:
        yield begun[0][0].result()
        begun.popleft()
