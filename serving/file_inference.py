"""Image files in, result files out: reading, the network and writing overlap, in bounded memory."""

import collections
import concurrent.futures
import dataclasses
import errno
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from common import texts
from serving import image_reading, memory, results
from serving.deeplab_model import DeepLabModel, Segmentation

# What a file system may have against the name of one result and not against the next.
_ERRORS_OF_ONE_FILE = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)
# An image that takes more of what is left for images makes it worth while to find out what the
# network itself takes, by a run on an empty image.
_LARGE_SHARE = 0.2
# At most this part of the images that are held may be one batch: the one before is being written
# meanwhile and the next one read.
_BATCH_SHARE = 1 / 3


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one image.

    Attributes:
      path: the image.
      shares: float64 [num_classes], each class's share of the pixels, or None when it failed.
      error: why it failed, or None.
      size: (height, width) of the image, upright, or None when it failed.
      network_size: (height, width) at which the network saw it, or None when it failed.
    """

    path: str
    shares: np.ndarray | None
    error: Exception | None
    size: tuple[int, int] | None = None
    network_size: tuple[int, int] | None = None


@dataclasses.dataclass(frozen=True)
class _Job:
    """An image to come: its memory in bytes, or why it is not read."""

    path: str
    name: str
    head: memory.Head | None = None
    num_bytes: int = 0
    error: Exception | None = None


@dataclasses.dataclass(frozen=True)
class _Pending:
    """An image whose results are being written, or that failed."""

    outcome: Outcome
    future: concurrent.futures.Future | None


@dataclasses.dataclass
class _Batch:
    jobs: list[_Job]
    reading: list[concurrent.futures.Future | Exception] = dataclasses.field(default_factory=list)
    writing: list[_Pending] = dataclasses.field(default_factory=list)

    @property
    def num_bytes(self) -> int:
        return sum(job.num_bytes for job in self.jobs)


def segment_files(
    model: DeepLabModel,
    paths: Sequence[str],
    names: Sequence[str],
    directory: str,
    options: results.ResultOptions,
    batch_size: int,
    budget: memory.Budget | None = None,
) -> Iterator[Outcome]:
    """Segments images and writes their results.

    While the network works on a batch, the one before is written and the next one read, as far as
    the budget allows.

    Args:
      model: the network.
      paths: the images.
      names: beginning of the result files' names of each image.
      directory: an existing folder for the results.
      options: what to write.
      batch_size: images that are read, segmented and written together, at most.
      budget: bounds the memory that this process takes; None for no bound but `batch_size`.

    Yields:
      What became of each image, in order. One that cannot be read, or would take more memory than
      there may be, does not stop the others.

    Raises:
      OSError: a result cannot be written, which would go on with every further image.
    """
    planner = _Planner(model, list(zip(paths, names, strict=True)), options, batch_size, budget)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        before: _Batch | None = None
        batch = planner.next_batch(pool)
        while batch is not None:
            if not batch.reading:  # Nothing is in memory.
                batch = planner.settle(batch)
                _start_reading(pool, batch)
            loaded = [_result_or_error(future) for future in batch.reading]
            batch.reading = []
            following = planner.next_batch(pool)
            if following is not None:
                if before is not None and not planner.fits(before, batch, following):
                    yield from map(_finish, before.writing)
                    before = None
                if planner.fits(before, batch, following):
                    _start_reading(pool, following)
            predictions = _predict(model, loaded, options.probabilities)
            batch.writing = [
                _start_writing(pool, model, job, image, prediction, directory, options)
                for job, image, prediction in zip(batch.jobs, loaded, predictions, strict=True)
            ]
            del loaded, predictions  # Else they stay while the next batch is read.
            if before is not None:
                yield from map(_finish, before.writing)
            before = batch
            if following is not None and not following.reading:
                yield from map(_finish, before.writing)
                before = None
            batch = following
        if before is not None:
            yield from map(_finish, before.writing)


class _Planner:
    """Puts images into batches by the memory that they take."""

    def __init__(
        self,
        model: DeepLabModel,
        todo: Sequence[tuple[str, str]],
        options: results.ResultOptions,
        batch_size: int,
        budget: memory.Budget | None,
    ):
        self._model = model
        self._todo = collections.deque(todo)
        self._num_probabilities = model.num_classes if options.probabilities else 0
        self._batch_size = batch_size
        self._budget = budget
        self._heads: collections.deque[_Job] = collections.deque()
        self._network_is_counted = False

    def fits(self, *batches: _Batch | None) -> bool:
        """Returns whether batches may be in memory together."""
        if self._budget is None:
            return True
        if any(self._must_measure(batch) for batch in batches if batch is not None):
            return False
        total = sum(batch.num_bytes for batch in batches if batch is not None)
        return total <= self._budget.for_images

    def next_batch(self, pool: concurrent.futures.ThreadPoolExecutor) -> _Batch | None:
        """Returns the next images, at least one; None after the last."""
        missing = [
            self._todo.popleft()
            for _ in range(min(len(self._todo), self._batch_size - len(self._heads)))
        ]
        self._heads.extend(pool.map(self._plan, missing))
        return self._take() if self._heads else None

    def settle(self, batch: _Batch) -> _Batch:
        """Makes sure of the budget before large images are read; nothing else is in memory now.

        Returns:
          The batch, or a part of it where the network takes so much that it does not fit.
        """
        if not self._must_measure(batch):
            return batch
        # Larger than its crop, so that it takes the way of large images.
        self._model.warm_up(
            (self._model.crop_size[0] + 1, self._model.crop_size[1] + 1), self._batch_size
        )
        self._budget.measure()
        self._network_is_counted = True
        self._heads.extendleft(map(self._judge, reversed(batch.jobs)))
        return self._take()

    def _must_measure(self, batch: _Batch) -> bool:
        if self._budget is None or self._network_is_counted:
            return False
        return any(job.num_bytes > _LARGE_SHARE * self._budget.for_images for job in batch.jobs)

    def _take(self) -> _Batch:
        """Returns the next images of those whose heads are known, at least one."""
        jobs: list[_Job] = []
        total = 0
        while self._heads and (
            not jobs
            or self._budget is None
            or total + self._heads[0].num_bytes <= _BATCH_SHARE * self._budget.for_images
        ):
            jobs.append(self._judge(self._heads.popleft()))
            total += jobs[-1].num_bytes
        return _Batch(jobs)

    def _plan(self, todo: tuple[str, str]) -> _Job:
        path, name = todo
        if self._budget is None:
            return _Job(path, name)
        try:
            head = memory.read_head(path)
        except (ValueError, OSError, MemoryError) as error:
            return _Job(path, name, error=error)
        num_bytes = memory.image_bytes(head, self._num_probabilities, self._model.resizes_inside)
        return self._judge(_Job(path, name, head, num_bytes))

    def _judge(self, job: _Job) -> _Job:
        """Refuses an image that would take more than there may be."""
        if self._budget is None or job.num_bytes <= self._budget.for_images:
            return job
        error = ValueError(self._budget.refusal(job.path, job.head, job.num_bytes))
        return _Job(job.path, job.name, error=error)


def _start_reading(pool: concurrent.futures.ThreadPoolExecutor, batch: _Batch) -> None:
    batch.reading = [
        job.error if job.error is not None else pool.submit(image_reading.read_image, job.path)
        for job in batch.jobs
    ]


def _result_or_error(reading: concurrent.futures.Future | Exception) -> Image.Image | Exception:
    if isinstance(reading, Exception):
        return reading
    try:
        return reading.result()
    except (ValueError, OSError, MemoryError) as error:
        return error


def _predict(
    model: DeepLabModel, loaded: Sequence[Image.Image | Exception], with_probabilities: bool
) -> list[Segmentation | Exception]:
    """Predicts images together, and one by one where the network refuses one of them."""
    images = [item for item in loaded if not isinstance(item, Exception)]
    try:
        predicted = iter(model.predict_batch(images, with_probabilities, np.uint8))
    except (ValueError, MemoryError) as error:
        if len(loaded) == 1:
            return [error]
        return [_predict(model, [item], with_probabilities)[0] for item in loaded]
    return [item if isinstance(item, Exception) else next(predicted) for item in loaded]


def _start_writing(
    pool: concurrent.futures.ThreadPoolExecutor,
    model: DeepLabModel,
    job: _Job,
    image: Image.Image | Exception,
    prediction: Segmentation | Exception,
    directory: str,
    options: results.ResultOptions,
) -> _Pending:
    if isinstance(prediction, Exception):
        return _Pending(Outcome(job.path, None, _explain(prediction, job.path)), None)
    size = (image.height, image.width)
    outcome = Outcome(job.path, None, None, size, model.fitted_size(*size))
    future = pool.submit(
        results.write_results,
        directory,
        job.name,
        image,
        prediction.ids,
        prediction.probabilities,
        model.class_names,
        model.palette,
        options,
    )
    return _Pending(outcome, future)


def _finish(pending: _Pending) -> Outcome:
    if pending.future is None:
        return pending.outcome
    path = pending.outcome.path
    try:
        return dataclasses.replace(pending.outcome, shares=pending.future.result())
    except (ValueError, MemoryError) as error:
        return Outcome(path, None, _explain(error, path))
    except OSError as error:
        if error.errno not in _ERRORS_OF_ONE_FILE:
            raise
        return Outcome(path, None, error)


def _explain(error: Exception, path: str) -> Exception:
    if isinstance(error, MemoryError):
        return ValueError(f"{texts.printable(path)}: it takes more memory than there is.")
    return error
