"""Picture files in, result files out: reading, the network and writing overlap."""

import concurrent.futures
import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from serving import pictures, results
from serving.deeplab_model import DeepLabModel, Segmentation


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one picture.

    Attributes:
      path: the picture.
      shares: float64 [num_classes], each class's share of the pixels, or None when it failed.
      error: why it failed, or None.
    """

    path: str
    shares: np.ndarray | None
    error: Exception | None


def segment_files(
    model: DeepLabModel,
    paths: Sequence[str],
    names: Sequence[str],
    directory: str,
    options: results.ResultOptions,
    batch_size: int,
) -> Iterator[Outcome]:
    """Segments pictures and writes their results.

    While the network works on a batch, the one before is written and the next one read.

    Args:
      model: the network.
      paths: the pictures.
      names: beginning of the result files' names of each picture.
      directory: an existing folder for the results.
      options: what to write.
      batch_size: pictures that are in memory together, three times over.

    Yields:
      What became of each picture, in order. One that cannot be read does not stop the others.

    Raises:
      OSError: a result cannot be written, which would go on with every further picture.
    """
    todo = list(zip(paths, names, strict=True))
    batches = [todo[start : start + batch_size] for start in range(0, len(todo), batch_size)]
    with concurrent.futures.ThreadPoolExecutor() as pool:

        def start_reading(number: int) -> list[concurrent.futures.Future]:
            batch = batches[number] if number < len(batches) else []
            return [pool.submit(pictures.read_picture, path) for path, _ in batch]

        reading = start_reading(0)
        writing: list[_Pending] = []
        for number, batch in enumerate(batches):
            loaded = [_result_or_error(future) for future in reading]
            reading = start_reading(number + 1)
            predictions = _predict(model, loaded, options.probabilities)
            started = [
                _start_writing(pool, model, path, name, picture, prediction, directory, options)
                for (path, name), picture, prediction in zip(
                    batch, loaded, predictions, strict=True
                )
            ]
            yield from map(_finish, writing)
            writing = started
        yield from map(_finish, writing)


@dataclasses.dataclass(frozen=True)
class _Pending:
    """A picture whose results are being written, or that failed."""

    path: str
    future: concurrent.futures.Future | None
    error: Exception | None


def _result_or_error(future: concurrent.futures.Future) -> Image.Image | Exception:
    try:
        return future.result()
    except (ValueError, OSError) as error:
        return error


def _predict(
    model: DeepLabModel, loaded: Sequence[Image.Image | Exception], with_probabilities: bool
) -> list[Segmentation | Exception]:
    """Predicts pictures together, and one by one where the network refuses one of them."""
    images = [item for item in loaded if not isinstance(item, Exception)]
    try:
        predicted = iter(model.predict_batch(images, with_probabilities))
    except ValueError as error:
        if len(loaded) == 1:
            return [error]
        return [_predict(model, [item], with_probabilities)[0] for item in loaded]
    return [item if isinstance(item, Exception) else next(predicted) for item in loaded]


def _start_writing(
    pool: concurrent.futures.ThreadPoolExecutor,
    model: DeepLabModel,
    path: str,
    name: str,
    picture: Image.Image | Exception,
    prediction: Segmentation | Exception,
    directory: str,
    options: results.ResultOptions,
) -> _Pending:
    if isinstance(prediction, Exception):
        return _Pending(path, None, prediction)
    future = pool.submit(
        results.write_results,
        directory,
        name,
        picture,
        prediction.ids,
        prediction.probabilities,
        model.class_names,
        model.palette,
        options,
    )
    return _Pending(path, future, None)


def _finish(pending: _Pending) -> Outcome:
    if pending.future is None:
        return Outcome(pending.path, None, pending.error)
    return Outcome(pending.path, pending.future.result(), None)
