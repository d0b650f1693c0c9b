"""The service behind all protocols: its models, its limits, and whether it takes requests."""

import asyncio
import dataclasses
import logging
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from common.texts import first_few, printable
from serving.http import image_input, refusals, threads
from serving.http.budget import Budget, Lease
from serving.http.hosting import HostedModel, ModelSettings, Prediction
from serving.http.image_input import ImageLimits
from serving.http.metrics import Metrics
from serving.http.refusals import Refusal

LOG = logging.getLogger("serve")
_Result = TypeVar("_Result")


@dataclasses.dataclass(frozen=True)
class ServiceSettings:
    """Limits of requests.

    Attributes:
      max_bytes: of a body.
      images: what an image may be.
      memory_bytes: what bodies and images of all requests may take together.
      time_limit_secs: from a request's first line to its answer.
      token: that clients send; None for none.
      models: how models run.
    """

    max_bytes: int = 16 << 20
    images: ImageLimits = dataclasses.field(default_factory=lambda: ImageLimits(25_000_000))
    memory_bytes: int = 1 << 30
    time_limit_secs: float = 30.0
    token: str | None = None
    models: ModelSettings = dataclasses.field(default_factory=ModelSettings)


class Service:
    """Everything that lives as long as the server.

    Attributes:
      settings: limits.
      models: by name; the first of a task answers where no name is given.
      metrics: counters.
      budget: memory of requests.
      is_draining: whether new requests are refused because the server is to end.
      in_flight: requests being answered.
    """

    def __init__(self, exports: Mapping[str, str], settings: ServiceSettings):
        """Takes paths by the names of models; `load` loads them."""
        self.settings = settings
        self.metrics = Metrics()
        self.budget = Budget(settings.memory_bytes)
        self.metrics.bytes_held.set_function(lambda: self.budget.used)
        self.metrics.ready.set_function(lambda: self.is_ready)
        self.models = {
            name: HostedModel(name, path, settings.models, self.metrics)
            for name, path in exports.items()
        }
        self.is_draining = False
        self.in_flight = 0
        self._is_loaded = False
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="images")
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="loader")
        self._unfinished: set[asyncio.Task] = set()

    @property
    def is_ready(self) -> bool:
        """Whether requests are taken."""
        return self._is_loaded and not self.is_draining

    async def load(self) -> None:
        """Loads the models, one after the other (ValueError, OSError: one cannot be loaded)."""
        for model in self.models.values():
            await model.load(self._loader)
        self._is_loaded = True
        LOG.info("ready")

    async def close(self) -> None:
        """Frees everything."""
        await asyncio.gather(*(model.close() for model in self.models.values()))
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._loader.shutdown(wait=False, cancel_futures=True)

    def check_ready(self) -> None:
        """Refuses (503) requests while the server starts or ends."""
        if self.is_draining:
            raise refusals.unavailable("the server is shutting down.")
        if not self._is_loaded:
            raise refusals.unavailable("the server is loading its models.", 5)

    def find_model(self, name: str | None, task: str | None = None) -> HostedModel:
        """Returns a model by name, or the first of a task.

        Raises:
          Refusal: 404 if there is none.
        """
        if not name:
            for model in self.models.values():
                if task in (None, model.current.TASK):
                    return model
            raise Refusal(404, f"no model for {task} is served.")
        if name not in self.models:
            known = first_few(self.models)
            raise Refusal(404, f"there is no model {printable(name)[:80]!r}; there is {known}.")
        model = self.models[name]
        if task not in (None, model.current.TASK):
            raise Refusal(
                404, f"the model {name!r} is for {model.current.TASK}; this needs one for {task}."
            )
        return model

    async def within_limit(self, answer: Coroutine[Any, Any, _Result]) -> _Result:
        """Returns what a coroutine returns.

        One that takes too long is cancelled. It may have to wait for a thread before it can give
        back what it has leased; its caller does not wait for that.

        Raises:
          asyncio.TimeoutError: it took longer than the time limit.
        """
        task = asyncio.get_running_loop().create_task(answer)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        try:
            return await asyncio.wait_for(asyncio.shield(task), self.settings.time_limit_secs)
        finally:
            task.cancel()

    async def in_pool(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Runs what takes a while, such as decoding, in a thread."""
        return await threads.run(self._pool, function, *arguments)

    async def predict_files(
        self,
        model: HostedModel,
        files: Sequence[bytes],
        lease: Lease,
        tile: str | int | None = None,
    ) -> tuple[list[np.ndarray], list[Prediction]]:
        """Returns the images in files, and what a model says of them.

        Args:
          model: the model.
          files: image files.
          lease: takes the memory.
          tile: see `Predictor.plan`.

        Raises:
          Refusal: an image is refused, which is found before anything is decoded, or is damaged.
        """
        sizes = [image_input.read_size(each, self.settings.images) for each in files]
        with model.admit(sizes, lease, tile):
            lease.take(sum(image_input.num_bytes(*size) for size in sizes))
            images = [await self.in_pool(image_input.decode, each) for each in files]
            return images, await model.predict(images, tile)
