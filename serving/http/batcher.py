"""Dynamic batching: what waits for a model runs in batches, in a thread of its own."""

import asyncio
import collections
import dataclasses
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from serving.http.pace import Pace


# Compared and found by identity.
@dataclasses.dataclass(eq=False)
class _Job:
    item: Any
    queue: int
    answer: asyncio.Future


class Batcher:
    """Queues in front of a function that takes batches and runs in a thread of its own.

    The queues take turns in giving an item to a batch, so that none waits for the whole of another.
    How much waits is bounded by `Admission`, not here.

    Attributes:
      worker: the thread; what else is to happen between batches is submitted to it.
      paces: how fast each queue has been going of late.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Any]], Sequence[Any]],
        batch_size: int,
        timeout_secs: float,
        num_queues: int = 1,
        observe: Callable[[int, float], None] = lambda size, seconds: None,
    ):
        """Makes a batcher; `start` starts it.

        Args:
          run: takes the items of a batch and returns an answer, or an exception, for each.
          batch_size: the most items of a batch.
          timeout_secs: how long the first item of a batch waits for more.
          num_queues: number of queues.
          observe: is told the size of every batch, and the seconds that it took.
        """
        self._run = run
        self._batch_size = batch_size
        self._timeout_secs = timeout_secs
        self._observe = observe
        self._queues = [collections.deque[_Job]() for _ in range(num_queues)]
        self._next_queue = 0
        self._arrival = asyncio.Event()
        self._task: asyncio.Task | None = None
        self._is_stopped = False
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="network")
        self.paces = [Pace() for _ in range(num_queues)]

    def __len__(self) -> int:
        """How many items wait."""
        return sum(len(each) for each in self._queues)

    def start(self) -> None:
        """Starts taking batches, on the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def stop(self) -> None:
        """Stops; what still waits is cancelled."""
        self._is_stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for queue in self._queues:
            for job in queue:
                job.answer.cancel()
            queue.clear()
        self.worker.shutdown(wait=False)

    async def submit(self, items: Sequence[Any], queue: int = 0) -> list[Any]:
        """Returns the answers to items; raises the first exception among them.

        A caller that is cancelled takes back what has not begun to run, and waits for the rest:
        once it is gone, nothing here holds its items.

        Raises:
          asyncio.CancelledError: the caller was cancelled, or the batcher was stopped.
        """
        if self._is_stopped:
            raise asyncio.CancelledError
        loop = asyncio.get_running_loop()
        jobs = [_Job(item, queue, loop.create_future()) for item in items]
        answers = [job.answer for job in jobs]
        self._queues[queue].extend(jobs)
        self._arrival.set()
        try:
            if answers:
                await asyncio.wait(answers)
        except asyncio.CancelledError:
            for job in jobs:
                if job in self._queues[queue]:
                    self._queues[queue].remove(job)
                    job.answer.cancel()
            await asyncio.wait(answers)
            raise
        # All are looked at, or asyncio would report those that nobody has seen.
        errors = [each.exception() for each in answers if not each.cancelled()]
        for error in filter(None, errors):
            raise error
        return [each.result() for each in answers]

    async def _work(self) -> None:
        while True:
            await self._wait_for_items()
            batch = self._take_batch()
            if batch:
                await self._run_batch(batch)
            del batch  # Not to be held while the loop waits.

    async def _run_batch(self, batch: list[_Job]) -> None:
        start = time.perf_counter()
        loop = asyncio.get_running_loop()
        try:
            items = [job.item for job in batch]
            answers = await loop.run_in_executor(self.worker, self._run, items)
        except asyncio.CancelledError:
            for job in batch:
                job.answer.cancel()
            raise
        except Exception as error:
            answers = [error] * len(batch)
        seconds = time.perf_counter() - start
        for queue, count in collections.Counter(job.queue for job in batch).items():
            self.paces[queue].note(count, seconds)
        self._observe(len(batch), seconds)
        for job, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                job.answer.set_exception(answer)
            else:
                job.answer.set_result(answer)

    async def _wait_for_items(self) -> None:
        """Waits for an item, then for as many as make a batch, or for the time to be over."""
        while not len(self):
            self._arrival.clear()
            await self._arrival.wait()
        deadline = time.monotonic() + self._timeout_secs
        while len(self) < self._batch_size and (left := deadline - time.monotonic()) > 0:
            self._arrival.clear()
            try:
                await asyncio.wait_for(self._arrival.wait(), left)
            except asyncio.TimeoutError:
                break

    def _take_batch(self) -> list[_Job]:
        """Takes an item of each queue in turn; none if all have been taken back."""
        batch: list[_Job] = []
        while len(batch) < self._batch_size and len(self):
            queue = self._queues[self._next_queue]
            self._next_queue = (self._next_queue + 1) % len(self._queues)
            if queue:
                batch.append(queue.popleft())
        return batch
