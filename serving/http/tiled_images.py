"""Large images of one model, one at a time: their tiles go through the model's batches."""

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from serving import tiling
from serving.http import threads
from serving.http.batcher import Batcher
from serving.http.pace import Pace
from serving.http.predictors import Predictor


class Tile(NamedTuple):
    """A part of a large image.

    Attributes:
      predictor: the load of the model with which the image has begun.
      array: uint8 [height, width, 3].
    """

    predictor: Predictor
    array: np.ndarray


class TiledImages:
    """Runs images in tiles, so that smaller images find their turn between them.

    The tiles of an image are cut and blended in a thread of its own, which hands a few at a time to
    the batcher. An image that nobody waits for any more stops there.

    Attributes:
      pace: how fast tiles have been going of late, with their blending.
    """

    def __init__(self, batcher: Batcher, queue: int):
        """Takes the batcher, which answers a `Tile` as `tiling.Run` does, and a queue of it."""
        self._batcher = batcher
        self._queue = queue
        self._one_at_a_time = asyncio.Lock()
        self.pace = Pace()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tiles")

    async def predict(
        self, predictor: Predictor, planned: tiling.Plan, image: np.ndarray
    ) -> np.ndarray:
        """Returns what a predictor says of an image uint8 [height, width, 3]."""
        loop, start = asyncio.get_running_loop(), 0.0
        is_given_up = threading.Event()

        def run(tiles: Sequence[np.ndarray]) -> list[Any]:
            nonlocal start
            if is_given_up.is_set():
                raise asyncio.CancelledError
            items = [Tile(predictor, each) for each in tiles]
            submitted = self._batcher.submit(items, self._queue)
            answers = asyncio.run_coroutine_threadsafe(submitted, loop).result()
            end = time.perf_counter()
            self.pace.note(len(tiles), end - start)
            start = end
            return answers

        async with self._one_at_a_time:
            start = time.perf_counter()
            return await threads.run(
                self._thread,
                predictor.predict_tiles,
                planned,
                image,
                run,
                give_up=is_given_up.set,
            )

    async def close(self) -> None:
        """Ends the thread; the batcher has to be stopped before."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._thread.shutdown)
