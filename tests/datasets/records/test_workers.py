"""datasets.records.workers: threads that keep the order and bound what is in work at once."""

import os
import platform
import signal
import subprocess
import sys
import threading
import time

import pytest

from datasets.records import workers


def test_workers_keep_the_order_and_bound_what_waits():
    begun = []

    def work(number: int) -> int:
        begun.append(number)
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    results = workers.map_in_order(
        work, range(200), description="", num_workers=2, show_progress=False
    )
    assert next(results) == 0
    assert len(begun) <= 16
    assert list(results) == [number * number for number in range(1, 200)]


def test_processes_keep_the_order_and_hand_over_what_they_raise():
    results = workers.map_in_order(
        _invert,
        [4, 2, 1, 0, 5],
        description="",
        num_workers=2,
        show_progress=False,
        in_processes=True,
    )
    values, processes = zip(*(next(results) for _ in range(3)), strict=True)
    assert values == (0.25, 0.5, 1.0)
    assert os.getpid() not in processes
    with pytest.raises(ZeroDivisionError):
        next(results)


def _invert(number: int) -> tuple[float, int]:
    return 1 / number, os.getpid()


KILLED_CALLER = """
import os, signal, time
from datasets.records import workers

calls = workers.map_in_order(
    time.sleep, [0, 100], description="", num_workers=1, show_progress=False, in_processes=True
)
next(calls)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a signal of POSIX")
def test_processes_end_with_a_caller_that_is_killed():
    # It waits until no process has the output open.
    result = subprocess.run(
        [sys.executable, "-c", KILLED_CALLER], stdout=subprocess.PIPE, timeout=60
    )
    assert result.returncode == -signal.SIGKILL


class Weights:
    """Calls of some weights, which note how much is in work at once."""

    def __init__(self, weights):
        self._weights = weights
        self._lock = threading.Lock()
        self.most = self.now = 0

    def work(self, index):
        with self._lock:
            self.now += self._weights[index]
            self.most = max(self.most, self.now)
        time.sleep(0.002)
        return index

    def run(self, max_weight, num_workers):
        limit = workers.WeightLimit(
            weigh=lambda index: self._weights[index],
            max_weight=max_weight,
            refuse=lambda index, weight: (index, weight),
        )
        for result in workers.map_in_order(
            self.work,
            range(len(self._weights)),
            description="",
            num_workers=num_workers,
            show_progress=False,
            limit=limit,
        ):
            yield result
            with self._lock:
                self.now -= 0 if isinstance(result, tuple) else self._weights[result]


@pytest.mark.parametrize("num_workers", [1, 3, 8])
def test_workers_bound_what_is_in_work_and_keep_the_order(num_workers):
    weights = Weights([3, 9, 0, 10, 1, 2, 3, 10, 10, 5, 5, 5, 11, 0, 4] * 4)
    results = list(weights.run(10, num_workers))
    expected = [(i, 11) if i % 15 == 12 else i for i in range(60)]
    assert results == expected
    assert 10 >= weights.most >= 9


def test_workers_that_wait_for_room_end_with_their_caller():
    """The first result is never given back, so nobody else may start."""
    weights = Weights([10] * 30)
    results = weights.run(10, 4)
    assert next(results) == 0
    results.close()
    assert weights.most == 10


def test_workers_that_wait_for_room_end_with_an_error():
    weights = Weights([10] * 30)

    def work(index):
        if index == 2:
            raise ValueError("two")
        return index

    weights.work = work
    with pytest.raises(ValueError, match="two"):
        list(weights.run(10, 4))


def test_workers_raise_what_the_function_raises():
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("three is broken")
        return number

    results = workers.map_in_order(work, range(9), description="", show_progress=False)
    with pytest.raises(ValueError, match="three is broken"):
        list(results)


COUNT_PAGE_FAULTS = """
import resource
import numpy as np
from datasets.records import workers

def count_faults(_):
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    arrays = [np.full(500_000, 1, np.uint8) for _ in range(6)]
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before

faults = workers.map_in_order(
    count_faults, range(50), description="", num_workers=1, show_progress=False
)
print(sum(faults) * resource.getpagesize() / (6 * 500_000))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_freed_memory_is_kept_for_the_next_image():
    # In a process of its own: larger blocks before these would change glibc's own thresholds.
    result = subprocess.run(
        [sys.executable, "-c", COUNT_PAGE_FAULTS], capture_output=True, text=True, check=True
    )
    assert float(result.stdout) < 5  # Without the setting each of the 50 comes page by page.
