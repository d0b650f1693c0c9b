"""Batches, the bounded queue, and callers who give up."""

import asyncio
import threading

import pytest

from serving.http.batcher import Batcher
from serving.http.refusals import Refusal


class Doubler:
    """A slow function: takes batches once it is let, and notes them."""

    def __init__(self, is_open: bool = True):
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        if is_open:
            self.gate.set()

    def __call__(self, items):
        self.gate.wait(10)
        self.batches.append(list(items))
        return [ValueError(str(item)) if item < 0 else 2 * item for item in items]


def run(test, doubler: Doubler, batch_size=4, timeout_secs=0.0, capacity=8):
    async def with_batcher():
        batcher = Batcher(doubler, batch_size, timeout_secs, capacity)
        batcher.start()
        try:
            return await test(batcher)
        finally:
            doubler.gate.set()
            await batcher.stop()

    return asyncio.run(with_batcher())


async def until(condition) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


def test_items_that_wait_run_together_in_their_order():
    doubler = Doubler(is_open=False)

    async def test(batcher):
        first = asyncio.create_task(batcher.submit([0]))
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(batcher.submit([i])) for i in range(1, 7)]
        await until(lambda: len(batcher) == 6)
        doubler.gate.set()
        return [answer for [answer] in await asyncio.gather(first, *others)]

    assert run(test, doubler) == [0, 2, 4, 6, 8, 10, 12]
    assert doubler.batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_an_item_waits_for_others_up_to_the_timeout():
    doubler = Doubler()

    async def test(batcher):
        first = asyncio.create_task(batcher.submit([1]))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(batcher.submit([2]))
        return await asyncio.gather(first, second)

    assert run(test, doubler, timeout_secs=0.5) == [[2], [4]]
    assert doubler.batches == [[1, 2]]


def test_a_full_queue_refuses_all_items_of_a_request():
    doubler = Doubler(is_open=False)

    async def test(batcher):
        running = asyncio.create_task(batcher.submit([0]))
        await asyncio.sleep(0.05)
        waiting = asyncio.create_task(batcher.submit([1, 2, 3]))
        await asyncio.sleep(0.05)
        with pytest.raises(Refusal) as refused:
            await batcher.submit([4, 5])
        assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "1")
        with pytest.raises(Refusal) as refused:
            await batcher.submit([0] * 5)
        assert refused.value.status == 413
        doubler.gate.set()
        return await asyncio.gather(running, waiting)

    assert run(test, doubler, capacity=4) == [[0], [2, 4, 6]]


def test_a_failure_is_that_of_its_item():
    doubler = Doubler()

    async def test(batcher):
        return await asyncio.gather(*(batcher.submit([i]) for i in (1, -1)), return_exceptions=True)

    good, bad = run(test, doubler, timeout_secs=0.2)
    assert good == [2]
    assert isinstance(bad, ValueError)


def test_what_nobody_waits_for_is_not_run():
    doubler = Doubler(is_open=False)

    async def test(batcher):
        running = asyncio.create_task(batcher.submit([1]))
        await asyncio.sleep(0.05)
        given_up = asyncio.create_task(batcher.submit([2]))
        await asyncio.sleep(0.05)
        given_up.cancel()
        kept = asyncio.create_task(batcher.submit([3]))
        doubler.gate.set()
        return await asyncio.gather(running, kept)

    assert run(test, doubler) == [[2], [6]]
    assert [item for batch in doubler.batches for item in batch] == [1, 3]


def test_a_function_that_raises_does_not_end_the_queue():
    def fail(items):
        if items == [1]:
            raise RuntimeError("broken")
        return items

    async def test():
        batcher = Batcher(fail, 4, 0.0, 8)
        batcher.start()
        with pytest.raises(RuntimeError):
            await batcher.submit([1])
        answer = await batcher.submit([2])
        await batcher.stop()
        return answer

    assert asyncio.run(test()) == [2]
