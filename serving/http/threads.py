"""Work in threads, also for callers who are told to stop waiting."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

_Result = TypeVar("_Result")


async def run(
    executor: Executor,
    function: Callable[..., _Result],
    *arguments: Any,
    give_up: Callable[[], object] = lambda: None,
) -> _Result:
    """Returns what a function returns in a thread.

    A thread cannot be ended from outside, and holds its memory until it is over. So a caller that
    is cancelled waits for it, too, before it goes; what has not begun does not begin any more.

    Args:
      executor: has the threads.
      function: what runs.
      *arguments: its arguments.
      give_up: is called when the caller is cancelled, to make the function return soon.
    """
    job = executor.submit(function, *arguments)
    running = asyncio.wrap_future(job)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        give_up()
        if not job.cancel():
            await asyncio.wait({running})
        raise
    finally:
        if running.done() and not running.cancelled():
            running.exception()  # Looked at, or asyncio would report that nobody has.
