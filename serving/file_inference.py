"""Image files in, result files out: reading, the network and writing overlap, in bounded memory."""

import collections
import dataclasses
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
from PIL import Image

from common import texts
from serving import geotiff, image_reading, memory, results, tiling
from serving.deeplab_model import DeepLabModel, Segmentation

# Called with an image that runs in tiles: its path, its (height, width), how many tiles have run,
# first 0, and how many there are.
Progress: TypeAlias = Callable[[str, tuple[int, int], int, int], object]
# Called with an image's path, the name of its results and its class ids, uint8 [height, width].
Describe: TypeAlias = Callable[[str, str, np.ndarray], object]

_BY_WINDOWS = ValueError("read by windows")
# Errors that a file system may raise for the name of one result and not for the next.
_ERRORS_OF_ONE_FILE = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)
# If an image takes more than this share of what is left for images, a run on an empty image first
# measures the memory of the network itself.
_LARGE_SHARE = 0.2
# A batch takes at most this share of what is left for images: meanwhile the previous one is written
# and the next one read.
_BATCH_SHARE = 1 / 3


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one image.

    Attributes:
      path: the image.
      shares: float64 [num_classes], each class's share of the pixels; None if the image failed.
      error: why it failed, or None.
      size: (height, width) of the image, upright; None if it failed.
      network_size: (height, width) at which the network saw it, whole or in tiles; None if it
        failed.
      described: what `Describe` has returned for it.
    """

    path: str
    shares: np.ndarray | None
    error: Exception | None
    size: tuple[int, int] | None = None
    network_size: tuple[int, int] | None = None
    described: object = None


# None for one that is read by windows.
_Loaded: TypeAlias = Image.Image | Exception | None


@dataclasses.dataclass(frozen=True)
class _Job:
    """An image to come: its memory in bytes, or why it is not read.

    Attributes:
      facts: of a georeferenced TIFF.
      windows: its tiles, if it is read and written by windows, never as a whole.
    """

    path: str
    name: str
    head: memory.Head | None = None
    num_bytes: int = 0
    error: Exception | None = None
    facts: geotiff.GeoFacts | None = None
    windows: tiling.Plan | None = None


@dataclasses.dataclass
class _Batch:
    jobs: list[_Job]
    reading: list[Future[_Loaded]] = dataclasses.field(default_factory=list)
    writing: list[Future[Outcome]] = dataclasses.field(default_factory=list)

    @property
    def num_bytes(self) -> int:
        return sum(job.num_bytes for job in self.jobs)

    def finish(self) -> Iterator[Outcome]:
        """Waits until everything is written."""
        return (future.result() for future in self.writing)


def segment_files(
    model: DeepLabModel,
    paths: Sequence[str],
    names: Sequence[str],
    directory: str,
    options: results.ResultOptions,
    batch_size: int,
    budget: memory.Budget,
    tiles: tiling.TileOptions | None = None,
    max_pixels: int | None = None,
    progress: Progress | None = None,
    describe: Describe | None = None,
) -> Iterator[Outcome]:
    """Segments images and writes their results.

    While the network works on a batch, the previous one is written and the next one read, if the
    budget allows it.

    Args:
      model: the network.
      paths: the images.
      names: for each image, what the names of its result files begin with.
      directory: an existing folder for the results.
      options: what to write.
      batch_size: the most images that are read, segmented and written together.
      budget: bounds the memory that this process takes.
      tiles: what becomes of images larger than the network takes.
      max_pixels: images of more are not read; None for no limit.
      progress: called for images that run in tiles.
      describe: called in threads with the class ids of each image.

    Yields:
      What became of each image, in order. One that cannot be read, or would take more memory than
      the budget has, does not stop the others.

    Raises:
      OSError: a result cannot be written, and neither could those of further images.
    """
    todo = list(zip(paths, names, strict=True))
    with ThreadPoolExecutor() as pool:
        tiles = tiles or tiling.TileOptions()
        planner = _Planner(
            model, todo, options, batch_size, budget, pool, tiles, max_pixels, describe is None
        )
        before, batch = _Batch([]), planner.next_batch()
        while batch is not None:
            if not batch.reading:  # Nothing is in memory.
                batch = planner.settle(batch)
                batch.reading = [pool.submit(_read, job) for job in batch.jobs]
            loaded = [future.result() for future in batch.reading]
            batch.reading = []
            following = planner.next_batch()
            if following is not None:
                if not planner.fits(before, batch, following):
                    yield from before.finish()
                    before = _Batch([])
                if planner.fits(before, batch, following):
                    following.reading = [pool.submit(_read, job) for job in following.jobs]
            predictions: list[Segmentation | Exception | Outcome] = [
                _segment_windows(model, job, directory, options, progress)
                if item is None
                else prediction
                for job, item, prediction in zip(
                    batch.jobs,
                    loaded,
                    _predict(model, batch.jobs, loaded, options.probabilities, tiles, progress),
                    strict=True,
                )
            ]
            batch.writing = [
                pool.submit(
                    _write, model, job, image, prediction, directory, options, tiles, describe
                )
                for job, image, prediction in zip(batch.jobs, loaded, predictions, strict=True)
            ]
            del loaded, predictions  # Otherwise they stay while the next batch is read.
            yield from before.finish()
            before = batch
            if following is not None and not following.reading:
                yield from before.finish()
                before = _Batch([])
            batch = following
        yield from before.finish()


class _Planner:
    """Puts images into batches by the memory that they take."""

    def __init__(
        self,
        model: DeepLabModel,
        todo: Sequence[tuple[str, str]],
        options: results.ResultOptions,
        batch_size: int,
        budget: memory.Budget,
        pool: ThreadPoolExecutor,
        tiles: tiling.TileOptions,
        max_pixels: int | None,
        may_take_windows: bool,
    ):
        self._model = model
        self._todo = collections.deque(todo)
        self._num_probabilities = model.num_classes if options.probabilities else 0
        self._may_take_windows = (
            may_take_windows and not options.probabilities and options.ids_format is None
        )
        self._batch_size = batch_size
        self._budget = budget
        self._pool = pool
        self._tiles = tiles
        self._max_pixels = max_pixels
        self._planned: collections.deque[_Job] = collections.deque()
        self._network_is_measured = False

    def fits(self, *batches: _Batch) -> bool:
        """Returns whether batches may be in memory together."""
        if any(map(self._must_measure, batches)):
            return False
        return sum(batch.num_bytes for batch in batches) <= self._budget.for_images

    def next_batch(self) -> _Batch | None:
        """Returns the next images, at least one; None after the last."""
        num_missing = min(len(self._todo), self._batch_size - len(self._planned))
        missing = [self._todo.popleft() for _ in range(num_missing)]
        self._planned.extend(self._pool.map(self._plan, missing))
        return self._take() if self._planned else None

    def settle(self, batch: _Batch) -> _Batch:
        """Makes sure of the budget before large images are read; nothing else is in memory now.

        Returns:
          The batch, or a part of it if the network leaves too little for all of it.
        """
        if not self._must_measure(batch):
            return batch
        # Larger than the crop, to run all that large images need.
        height, width = self._model.crop_size
        self._model.warm_up((height + 1, width + 1), self._batch_size)
        self._budget.measure()
        self._network_is_measured = True
        self._planned.extendleft(map(self._judge, reversed(batch.jobs)))
        return self._take()

    def _must_measure(self, batch: _Batch) -> bool:
        large = _LARGE_SHARE * self._budget.for_images
        return not self._network_is_measured and any(job.num_bytes > large for job in batch.jobs)

    def _take(self) -> _Batch:
        """Returns as many of the planned images as make a batch, at least one."""
        limit = _BATCH_SHARE * self._budget.for_images
        batch = _Batch([self._judge(self._planned.popleft())])
        while self._planned and batch.num_bytes + self._planned[0].num_bytes <= limit:
            batch.jobs.append(self._judge(self._planned.popleft()))
        return batch

    def _plan(self, todo: tuple[str, str]) -> _Job:
        path, name = todo
        try:
            facts = geotiff.find_facts(path)
            head = memory.read_head(path) if facts is None else memory.georeferenced_head(facts)
            self._check_pixels(path, head)
            planned = _plan_tiles(self._model, (head.height, head.width), self._tiles)
        except (ValueError, OSError, MemoryError) as error:
            return _Job(path, name, error=error)
        tile_bytes = 0
        if planned is not None:
            tile_bytes = planned.num_bytes(self._model.num_blended)
        if facts is not None and planned is not None and self._may_take_windows:
            num_bytes = memory.windows_bytes(head, tile_bytes)
            return self._judge(_Job(path, name, head, num_bytes, facts=facts, windows=planned))
        num_bytes = memory.image_bytes(
            head, self._num_probabilities, self._model.resizes_inside, tile_bytes
        )
        return self._judge(_Job(path, name, head, num_bytes, facts=facts))

    def _check_pixels(self, path: str, head: memory.Head) -> None:
        """Refuses (ValueError) an image of more pixels than allowed."""
        num_pixels = head.height * head.width
        if self._max_pixels is not None and num_pixels > self._max_pixels:
            raise ValueError(
                f"{texts.printable(path)}: {head.height}x{head.width} (height x width) are "
                f"{num_pixels} pixels, more than --max_pixels={self._max_pixels}. Raise that if "
                "you trust the file."
            )

    def _judge(self, job: _Job) -> _Job:
        """Refuses an image that would take more than there may be."""
        if job.head is None or job.num_bytes <= self._budget.for_images:
            return job
        error = self._budget.refusal(job.path, job.head, job.num_bytes)
        return _Job(job.path, job.name, error=error)


def _read(job: _Job) -> _Loaded:
    if job.error is not None:
        return job.error
    if job.windows is not None:
        return None
    try:
        if job.facts is not None:
            with geotiff.reading(job.path) as reader:
                return Image.fromarray(reader(0, job.facts.height, 0, job.facts.width))
        return image_reading.read_image(job.path)
    except (ValueError, OSError, MemoryError) as error:
        return error


def _plan_tiles(
    model: DeepLabModel, size: tuple[int, int], tiles: tiling.TileOptions
) -> tiling.Plan | None:
    return model.plan_tiles(*size, tiles.tile, tiles.overlap)


def _predict(
    model: DeepLabModel,
    jobs: Sequence[_Job],
    loaded: Sequence[_Loaded],
    with_probabilities: bool,
    tiles: tiling.TileOptions,
    progress: Progress | None,
) -> list[Segmentation | Exception]:
    """Predicts images together, and one by one where the network refuses one of them.

    Those that are read by windows get an exception that nobody reads.
    """
    images = [item for item in loaded if isinstance(item, Image.Image)]
    try:
        predicted = iter(
            model.predict_batch(
                images,
                with_probabilities,
                np.uint8,
                tile=tiles.tile,
                overlap=tiles.overlap,
                progress=_counter(model, jobs, loaded, tiles, progress),
            )
        )
    except (ValueError, MemoryError) as error:
        if len(loaded) == 1:
            return [error]
        return [
            _predict(model, [job], [item], with_probabilities, tiles, progress)[0]
            for job, item in zip(jobs, loaded, strict=True)
        ]
    return [
        next(predicted) if isinstance(item, Image.Image) else item or _BY_WINDOWS for item in loaded
    ]


def _segment_windows(
    model: DeepLabModel,
    job: _Job,
    directory: str,
    options: results.ResultOptions,
    progress: Progress | None,
) -> Outcome | Exception:
    """Segments a georeferenced TIFF by windows, and writes its results; raises as `_write` does."""
    assert job.facts is not None
    assert job.windows is not None
    facts, size = job.facts, job.windows.size
    path = os.path.join(directory, job.name + geotiff.MASK_ENDING)

    def count(done: int, total: int) -> None:
        if progress is not None:
            progress(job.path, size, done, total)

    try:
        with geotiff.reading(job.path) as reader:
            with geotiff.writing_mask(path, facts, model.class_names, model.palette) as writer:
                for block in model.blocks(job.windows, reader, count):
                    writer.write(block.top, block.left, block.ids)
            factor = results.overlay_reduction(*size)
            results.write_overlay(
                directory,
                job.name,
                Image.fromarray(reader(0, size[0], 0, size[1], factor)),
                geotiff.read_reduced_mask(path, factor),
                writer.shares,
                model.class_names,
                model.palette,
                options,
            )
    except (ValueError, MemoryError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _ERRORS_OF_ONE_FILE:
            raise
        return error
    return Outcome(job.path, writer.shares, None, size, size)


def _counter(
    model: DeepLabModel,
    jobs: Sequence[_Job],
    loaded: Sequence[_Loaded],
    tiles: tiling.TileOptions,
    progress: Progress | None,
) -> tiling.Progress | None:
    """Returns what counts the tiles of a batch, whose tiled images run in their order."""
    if progress is None:
        return None
    report = progress
    sizes = {
        job.path: (item.height, item.width)
        for job, item in zip(jobs, loaded, strict=True)
        if isinstance(item, Image.Image)
    }
    tiled = iter([path for path, size in sizes.items() if _plan_tiles(model, size, tiles)])
    current = ""

    def count(done: int, total: int) -> None:
        nonlocal current
        if not done:
            current = next(tiled)
        report(current, sizes[current], done, total)

    return count


def _write(
    model: DeepLabModel,
    job: _Job,
    image: _Loaded,
    prediction: Segmentation | Exception | Outcome,
    directory: str,
    options: results.ResultOptions,
    tiles: tiling.TileOptions,
    describe: Describe | None,
) -> Outcome:
    """Writes the results of one image, if it has any; raises as `segment_files` does."""
    if isinstance(prediction, Outcome):
        return prediction
    if isinstance(prediction, Exception):
        return _failed(job, prediction)
    assert isinstance(image, Image.Image)  # Its prediction would be that exception.
    size = (image.height, image.width)
    try:
        shares = results.write_results(
            directory,
            job.name,
            image,
            prediction.ids,
            prediction.probabilities,
            model.class_names,
            model.palette,
            options,
            job.facts,
        )
        described = describe(job.path, job.name, prediction.ids) if describe else None
    except (ValueError, MemoryError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _ERRORS_OF_ONE_FILE:
            raise
        return _failed(job, error)
    seen = size if _plan_tiles(model, size, tiles) else model.fitted_size(*size)
    return Outcome(job.path, shares, None, size, seen, described)


def _failed(job: _Job, error: Exception) -> Outcome:
    if isinstance(error, MemoryError):
        error = ValueError(f"{texts.printable(job.path)}: it takes more memory than there is.")
    return Outcome(job.path, None, error)
