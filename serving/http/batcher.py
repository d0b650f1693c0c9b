"""Dynamic batching: single images wait a moment for others, and run through a model together."""

import asyncio
import collections
import dataclasses
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from serving.http import refusals

# Images per second at the start, before any have been measured; and how much a new figure counts.
_FIRST_SECONDS = 0.1
_SMOOTHING = 0.2


@dataclasses.dataclass
class _Job:
    item: Any
    answer: asyncio.Future


class Batcher:
    """A bounded queue in front of a function that takes batches and runs in a thread of its own.

    Attributes:
      worker: the thread; what else is to happen between batches is submitted to it.
      seconds_per_item: how long an item has taken of late.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Any]], Sequence[Any]],
        batch_size: int,
        timeout_secs: float,
        capacity: int,
        observe: Callable[[int, float], None] = lambda size, seconds: None,
    ):
        """Makes a batcher; `start` starts it.

        Args:
          run: takes the items of a batch and returns an answer, or an exception, for each.
          batch_size: the most items of a batch.
          timeout_secs: how long the first item of a batch waits for more.
          capacity: the most items that wait.
          observe: is told the size of every batch, and the seconds that it took.
        """
        self._run = run
        self._batch_size = batch_size
        self._timeout_secs = timeout_secs
        self._capacity = capacity
        self._observe = observe
        self._waiting: collections.deque[_Job] = collections.deque()
        self._arrival = asyncio.Event()
        self._task: asyncio.Task | None = None
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="network")
        self.seconds_per_item = _FIRST_SECONDS

    def __len__(self) -> int:
        """How many items wait."""
        return len(self._waiting)

    def start(self) -> None:
        """Starts taking batches, on the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def stop(self) -> None:
        """Stops; what still waits is cancelled."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for job in self._waiting:
            job.answer.cancel()
        self._waiting.clear()
        self.worker.shutdown(wait=False)

    def check_room(self, num_items: int) -> None:
        """Refuses (429) items that would not fit into the queue now, (413) those that never do."""
        if num_items > self._capacity:
            raise refusals.Refusal(
                413,
                f"the request has {num_items} images; at most {self._capacity} are taken "
                "(--queue_size). Send several requests.",
            )
        if len(self._waiting) + num_items > self._capacity:
            seconds = len(self._waiting) * self.seconds_per_item
            raise refusals.busy(f"{len(self._waiting)} images are waiting already", seconds)

    async def submit(self, items: Sequence[Any]) -> list[Any]:
        """Returns the answers to items; raises the first exception among them.

        An item whose caller was cancelled is not run any more.

        Raises:
          Refusal: the queue is full: none of the items is taken.
        """
        self.check_room(len(items))
        loop = asyncio.get_running_loop()
        jobs = [_Job(item, loop.create_future()) for item in items]
        self._waiting.extend(jobs)
        self._arrival.set()
        return list(await asyncio.gather(*(job.answer for job in jobs)))

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = await self._next_batch()
            if not batch:
                continue
            start = time.perf_counter()
            try:
                items = [job.item for job in batch]
                answers = await loop.run_in_executor(self.worker, self._run, items)
            except Exception as error:
                answers = [error] * len(batch)
            seconds = time.perf_counter() - start
            self.seconds_per_item += _SMOOTHING * (seconds / len(batch) - self.seconds_per_item)
            self._observe(len(batch), seconds)
            for job, answer in zip(batch, answers, strict=True):
                if job.answer.done():  # Its caller has given up.
                    continue
                if isinstance(answer, Exception):
                    job.answer.set_exception(answer)
                else:
                    job.answer.set_result(answer)
            del batch, answers, items  # Not to be held while the loop waits.

    async def _next_batch(self) -> list[_Job]:
        """Waits for an item, then for as many as make a batch, or for the time to be over."""
        await self._wait_for_arrival(None)
        batch: list[_Job] = []
        deadline = time.monotonic() + self._timeout_secs
        while True:
            while self._waiting and len(batch) < self._batch_size:
                job = self._waiting.popleft()
                if not job.answer.done():
                    batch.append(job)
            left = deadline - time.monotonic()
            if len(batch) >= self._batch_size or left <= 0:
                return batch
            if not await self._wait_for_arrival(left):
                return batch

    async def _wait_for_arrival(self, seconds: float | None) -> bool:
        """Waits until something waits; returns whether it does."""
        while not self._waiting:
            self._arrival.clear()
            try:
                await asyncio.wait_for(self._arrival.wait(), seconds)
            except asyncio.TimeoutError:
                return bool(self._waiting)
        return True
