"""The service behind all protocols: its models, its limits, and whether it takes requests."""

import asyncio
import dataclasses
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from common.texts import first_few, printable
from serving.http import image_input, refusals
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
        if name:
            model = self.models.get(name)
            if model is None:
                raise Refusal(
                    404,
                    f"there is no model {printable(name)[:80]!r}; there is "
                    f"{first_few(self.models)}.",
                )
            candidates = [model]
        else:
            candidates = list(self.models.values())
        for model in candidates:
            if task in (None, model.current.TASK):
                return model
        if name:
            raise Refusal(404, f"the model {name!r} is of another task; this needs one of {task}.")
        raise Refusal(404, f"no model of the task {task} is served.")

    async def in_pool(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Runs what takes a while, such as decoding, in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, function, *arguments)

    async def decode(self, files: Sequence[bytes], lease: Lease) -> list[np.ndarray]:
        """Returns image files as arrays uint8 [height, width, 3]; sizes are checked first.

        Raises:
          Refusal: see `image_input`; or the memory is taken.
        """
        sizes = [image_input.read_size(each, self.settings.images) for each in files]
        lease.take(sum(image_input.num_bytes(*size) for size in sizes))
        return [await self.in_pool(image_input.decode, each) for each in files]

    async def predict_files(
        self, model: HostedModel, files: Sequence[bytes], lease: Lease
    ) -> tuple[list[np.ndarray], list[Prediction]]:
        """Returns the images in files, and what a model says of them.

        Raises:
          Refusal: see `decode`; or the queue is full, which is found before anything is decoded.
        """
        model.batcher.check_room(len(files))
        images = await self.decode(files, lease)
        return images, await model.predict(images)
