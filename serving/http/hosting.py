"""One export that is served: its queue, and the newer file that takes its place."""

import asyncio
import dataclasses
import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from common.texts import printable
from serving import image_search
from serving.http import predictors
from serving.http.batcher import Batcher
from serving.http.metrics import Metrics
from serving.http.predictors import Predictor

LOG = logging.getLogger("serve")


@dataclasses.dataclass(frozen=True)
class ModelSettings:
    """How models run.

    Attributes:
      batch_size: the most images that run together.
      batch_timeout_secs: how long an image waits for others.
      queue_size: the most images that wait for one model.
      reload_secs: seconds between two looks at the files of an export; 0 for none.
      trust: whether graphs may have operations that read and write files.
      engine: further arguments of the models' classes.
    """

    batch_size: int = 8
    batch_timeout_secs: float = 0.002
    queue_size: int = 32
    reload_secs: float = 2.0
    trust: bool = False
    engine: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Prediction(NamedTuple):
    """What a model says of an image, and which load of the model said it."""

    predictor: Predictor
    values: np.ndarray


class HostedModel:
    """An export under a name.

    Attributes:
      name: of clients.
      path: as it was given.
      batcher: its queue.
    """

    def __init__(self, name: str, path: str, settings: ModelSettings, metrics: Metrics):
        self.name = name
        self.path = image_search.expand_home(path)
        self._settings = settings
        self._metrics = metrics
        self._current: Predictor | None = None
        self._state: tuple = ()
        self._watching: asyncio.Task | None = None
        self.batcher = Batcher(
            self._run,
            settings.batch_size,
            settings.batch_timeout_secs,
            settings.queue_size,
            self._observe,
        )
        metrics.waiting.labels(name).set_function(lambda: len(self.batcher))
        metrics.reload_failures.labels(name)

    @property
    def is_loaded(self) -> bool:
        return self._current is not None

    @property
    def current(self) -> Predictor:
        """What runs now; only once it is loaded."""
        assert self._current is not None, "the service answers 503 before"
        return self._current

    async def load(self, loader: ThreadPoolExecutor) -> None:
        """Loads the export and starts its queue (ValueError, OSError: see `predictors.load`)."""
        loop = asyncio.get_running_loop()
        first = await loop.run_in_executor(loader, self._load, 1)
        self._state = predictors.state_of_files(first.model.path)
        self._take(first)
        self.batcher.start()
        if self._settings.reload_secs > 0:
            self._watching = loop.create_task(self._watch(loader))

    async def close(self) -> None:
        """Ends the queue and frees the model."""
        if self._watching is not None:
            self._watching.cancel()
        await self.batcher.stop()
        if self._current is not None:
            self._current.model.close()

    async def predict(self, images: Sequence[np.ndarray]) -> list[Prediction]:
        """Returns the predictions of images uint8 [height, width, 3], RGB.

        Raises:
          Refusal: the queue is full.
        """
        return await self.batcher.submit(images)

    def _load(self, version: int) -> Predictor:
        return predictors.load(
            self.path,
            version,
            self._settings.batch_size,
            self._settings.trust,
            **self._settings.engine,
        )

    def _take(self, predictor: Predictor) -> None:
        self._current = predictor
        self._metrics.model_version.labels(self.name).set(predictor.version)
        LOG.info(
            "model %s: %s, %d classes, engine %s, version %d",
            printable(self.name),
            printable(predictor.model.path),
            predictor.model.num_classes,
            predictor.model.engine_name,
            predictor.version,
        )

    def _run(self, images: Sequence[np.ndarray]) -> Sequence[Prediction | Exception]:
        """Runs a batch and, if it fails, each of its images alone; in the batcher's thread."""
        predictor = self.current
        try:
            return [Prediction(predictor, values) for values in predictor.predict(images)]
        except Exception as error:
            if len(images) == 1:
                return [error]
        return [self._run([image])[0] for image in images]

    def _observe(self, size: int, seconds: float) -> None:
        self._metrics.batch_size.labels(self.name).observe(size)
        self._metrics.batch_seconds.labels(self.name).observe(seconds)

    async def _watch(self, loader: ThreadPoolExecutor) -> None:
        """Loads the export again whenever its files have changed and then stayed for a while."""
        seen = self._state
        while True:
            await asyncio.sleep(self._settings.reload_secs)
            try:
                state = predictors.state_of_files(self.current.model.path)
            except OSError:  # Between removal and renaming.
                continue
            is_whole = os.path.exists(self.current.model.path) and state == seen
            seen = state
            if is_whole and state != self._state:
                self._state = state
                await self._reload(loader)

    async def _reload(self, loader: ThreadPoolExecutor) -> None:
        old = self.current
        try:
            loop = asyncio.get_running_loop()
            new = await loop.run_in_executor(loader, self._load, old.version + 1)
            if new.TASK != old.TASK:
                new.model.close()
                raise ValueError(f"it is of the task {new.TASK} now, and was of {old.TASK}")
        except Exception as error:
            self._metrics.reload_failures.labels(self.name).inc()
            LOG.error(
                "model %s: the changed export cannot be loaded, version %d goes on: %s",
                printable(self.name),
                old.version,
                printable(" ".join(str(error).split())),
            )
            return
        self._take(new)
        # Behind the batch that runs now.
        self.batcher.worker.submit(old.model.close)
