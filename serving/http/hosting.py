"""One export that is served: what it takes, its queues, and the newer file in its place."""

import asyncio
import contextlib
import dataclasses
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from common.texts import printable
from serving import export_file, export_state, image_search, tiling
from serving.http import admission, predictors
from serving.http.admission import Admission
from serving.http.batcher import Batcher
from serving.http.budget import Lease
from serving.http.metrics import Metrics
from serving.http.predictors import Predictor
from serving.http.refusals import Refusal
from serving.http.tiled_images import Tile, TiledImages

LOG = logging.getLogger("serve")
# Queues of a batcher.
_IMAGES, _TILES = range(2)


@dataclasses.dataclass(frozen=True)
class ModelSettings:
    """How models run.

    Attributes:
      batch_size: the most images that run together.
      batch_timeout_secs: how long an image waits for others.
      limits: what a model takes at once.
      tiles: what becomes of images larger than a segmentation network takes.
      reload_secs: seconds between two looks at the files of an export; 0 for none.
      trust: whether graphs may have operations that read and write files.
      engine: further arguments of the models' classes.
    """

    batch_size: int = 8
    batch_timeout_secs: float = 0.002
    limits: admission.Limits = dataclasses.field(default_factory=admission.Limits)
    tiles: tiling.TileOptions = dataclasses.field(default_factory=tiling.TileOptions)
    reload_secs: float = 2.0
    trust: bool = False
    engine: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Prediction(NamedTuple):
    """What a model says of an image, which load of the model said it, and the tiles, if any."""

    predictor: Predictor
    values: Any
    planned: tiling.Plan | None = None


class HostedModel:
    """An export under a name.

    Attributes:
      name: of clients.
      path: as it was given.
      batcher: its queues, of whole images and of tiles.
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
            num_queues=2,
            observe=self._observe,
        )
        self._tiled_images = TiledImages(self.batcher, _TILES)
        self._admission = Admission(
            settings.limits, self.batcher.paces[_IMAGES], self._tiled_images.pace
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
        # Before it is loaded: what changes meanwhile is loaded again.
        self._state = await loop.run_in_executor(loader, self._read_state)
        self._take(await loop.run_in_executor(loader, self._load, 1))
        self.batcher.start()
        if self._settings.reload_secs > 0:
            self._watching = loop.create_task(self._watch(loader))

    async def close(self) -> None:
        """Ends the queue and frees the model."""
        if self._watching is not None:
            self._watching.cancel()
        await self.batcher.stop()
        await self._tiled_images.close()
        if self._current is not None:
            self._current.model.close()

    @contextlib.contextmanager
    def admit(
        self, sizes: Sequence[tuple[int, int]], lease: Lease, tile: str | int | None = None
    ) -> Iterator[None]:
        """Counts images until they are answered; to be entered before they are decoded.

        Args:
          sizes: their (height, width).
          lease: takes what tiles need besides their image.
          tile: see `Predictor.plan`.

        Raises:
          Refusal: 400 for a wrong `tile`, 413 for images that are never taken, 429 for images that
            are not taken now.
        """
        plans = [self._plan(self.current, size, tile) for size in sizes]
        costs = [(0, 0) if each is None else self.current.cost(each) for each in plans]
        with self._admission.admit([num_tiles for num_tiles, _ in costs]):
            lease.take(sum(num_bytes for _, num_bytes in costs))
            yield

    async def predict(
        self, images: Sequence[np.ndarray], tile: str | int | None = None
    ) -> list[Prediction]:
        """Returns the predictions of images uint8 [height, width, 3], RGB, which are admitted."""
        predictor = self.current
        predictor.num_requests += 1
        try:
            plans = [self._plan(predictor, image.shape[:2], tile) for image in images]
            whole = [image for image, planned in zip(images, plans, strict=True) if planned is None]
            answers = iter(await self.batcher.submit(whole, _IMAGES))
            return [
                next(answers)
                if planned is None
                else Prediction(
                    predictor, await self._tiled_images.predict(predictor, planned, image), planned
                )
                for image, planned in zip(images, plans, strict=True)
            ]
        finally:
            predictor.num_requests -= 1
            self._close_if_retired(predictor)

    def _plan(
        self, predictor: Predictor, size: tuple[int, ...], tile: str | int | None
    ) -> tiling.Plan | None:
        height, width = size
        try:
            return predictor.plan(height, width, tile)
        except ValueError as error:
            raise Refusal(400, str(error)) from None

    def _read_state(self) -> tuple:
        export = export_file.read_export(self.path, self._settings.trust)
        return export_state.state_of_files(export.path)

    def _load(self, version: int) -> Predictor:
        return predictors.load(
            self.path,
            version,
            self._settings.batch_size,
            self._settings.trust,
            self._settings.tiles,
            **self._settings.engine,
        )

    def _take(self, predictor: Predictor) -> None:
        self._current = predictor
        self._metrics.model_version.labels(self.name).set(predictor.version)
        LOG.info(
            "model %s: %s, %s, engine %s, version %d",
            printable(self.name),
            printable(predictor.model.path),
            f"{predictor.model.num_classes} classes" if predictor.model.class_names else "captions",
            predictor.model.engine_name,
            predictor.version,
        )

    def _run(self, items: Sequence[np.ndarray | Tile]) -> list[Any]:
        """Runs a batch of images and of tiles; in the batcher's thread."""
        tiles = [each for each in items if isinstance(each, Tile)]
        images = [each for each in items if not isinstance(each, Tile)]
        of_tiles, of_images = iter(self._run_tiles(tiles)), iter(self._run_images(images))
        return [next(of_tiles if isinstance(each, Tile) else of_images) for each in items]

    def _run_tiles(self, tiles: Sequence[Tile]) -> Sequence[Any]:
        if not tiles:
            return []
        try:  # All are of one image.
            return tiles[0].predictor.run_tiles([each.array for each in tiles])
        except Exception as error:
            return [error] * len(tiles)

    def _run_images(self, images: Sequence[np.ndarray]) -> Sequence[Prediction | Exception]:
        """Runs images together and, if that fails, each of them alone."""
        if not images:
            return []
        predictor = self.current
        try:
            return [Prediction(predictor, values) for values in predictor.predict(images)]
        except Exception as error:
            if len(images) == 1:
                return [error]
        return [self._run_images([image])[0] for image in images]

    def _observe(self, size: int, seconds: float) -> None:
        self._metrics.batch_size.labels(self.name).observe(size)
        self._metrics.batch_seconds.labels(self.name).observe(seconds)

    async def _watch(self, loader: ThreadPoolExecutor) -> None:
        """Loads the export again whenever its files have changed and then stayed for a while."""
        seen = self._state
        while True:
            await asyncio.sleep(self._settings.reload_secs)
            try:
                state = export_state.state_of_files(self.current.model.path)
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
        self._close_if_retired(old)

    def _close_if_retired(self, predictor: Predictor) -> None:
        """Frees a model that another one has replaced, once no request uses it."""
        if predictor is self.current or predictor.num_requests:
            return
        try:  # Behind the batch that runs now.
            self.batcher.worker.submit(predictor.model.close)
        except RuntimeError:  # The worker has ended, and so have its batches.
            predictor.model.close()
