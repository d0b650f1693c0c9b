"""Batches, queues that take turns, and callers who give up."""

import asyncio
import threading

import pytest

from serving.http.batcher import Batcher


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


def run(test, doubler: Doubler, batch_size=4, timeout_secs=0.0, num_queues=1):
    async def with_batcher():
        batcher = Batcher(doubler, batch_size, timeout_secs, num_queues)
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
        batcher = Batcher(fail, 4, 0.0)
        batcher.start()
        with pytest.raises(RuntimeError):
            await batcher.submit([1])
        answer = await batcher.submit([2])
        await batcher.stop()
        return answer

    assert asyncio.run(test()) == [2]


def test_queues_take_turns():
    doubler = Doubler(is_open=False)

    async def test(batcher):
        first = asyncio.create_task(batcher.submit([0]))
        await asyncio.sleep(0.05)
        many = asyncio.create_task(batcher.submit([1, 2, 3, 4, 5]))
        few = asyncio.create_task(batcher.submit([11, 12], queue=1))
        await until(lambda: len(batcher) == 7)
        doubler.gate.set()
        return await asyncio.gather(first, many, few)

    assert run(test, doubler, num_queues=2) == [[0], [2, 4, 6, 8, 10], [22, 24]]
    assert [sorted(each) for each in doubler.batches] == [[0], [1, 2, 11, 12], [3, 4, 5]]


def test_a_cancelled_caller_leaves_when_nothing_holds_its_items_any_more():
    doubler = Doubler(is_open=False)

    async def test(batcher):
        caller = asyncio.create_task(batcher.submit([1, 2, 3]))
        await until(lambda: len(batcher) == 1)  # The other two are running.
        caller.cancel()
        await asyncio.sleep(0.05)
        assert (caller.done(), len(batcher)) == (False, 0)
        doubler.gate.set()
        await asyncio.wait({caller}, timeout=5)
        return caller.cancelled()

    assert run(test, doubler, batch_size=2)
    assert doubler.batches == [[1, 2]]


def test_stopping_cancels_what_waits_and_what_comes_later():
    doubler = Doubler(is_open=False)

    async def test():
        batcher = Batcher(doubler, 1, 0.0)
        batcher.start()
        callers = [asyncio.create_task(batcher.submit([i])) for i in range(3)]
        await until(lambda: len(batcher) == 2)
        await batcher.stop()
        callers.append(asyncio.create_task(batcher.submit([3])))
        await asyncio.wait(callers, timeout=5)
        doubler.gate.set()
        return [each.cancelled() for each in callers]

    assert asyncio.run(test()) == [True] * 4
