"""What `infer.py` tells of images, one line for each: for tasks whose results are not images."""

import contextlib
import dataclasses
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from PIL import Image
from tqdm import tqdm

from commands import warning_lines
from commands.shared_options import ToldImagesOptions
from common import files, image_files
from common.texts import printable
from datasets.images.memory_limit import MemoryLimit, count_pixels
from datasets.records import workers
from serving import image_reading, image_search
from serving.engines.engine import EngineSkippedWarning
from serving.exported_model import ExportedModel

Model = TypeVar("Model", bound=ExportedModel)
Answer = TypeVar("Answer")


@dataclasses.dataclass(frozen=True)
class Told(Generic[Answer]):
    """What is told of an image: an answer, or why there is none."""

    path: str
    answer: Answer | None = None
    error: str = ""


@dataclasses.dataclass(frozen=True)
class Telling(Generic[Model, Answer]):
    """What a task does with images.

    Attributes:
      open_model: loads the model, for so many images.
      answer: returns what the model says of images, each with its path and in mode RGB.
      lines: returns an answer as it is printed; a single line stands beside the image's path.
      formats: by the endings of files, what makes their content of all that was told.
      verb: what the progress bar says is being done.
    """

    open_model: Callable[[int], contextlib.AbstractContextManager[Model]]
    answer: Callable[[Model, Sequence[tuple[str, Image.Image]]], Sequence[Answer]]
    lines: Callable[[Answer], Sequence[str]]
    formats: Mapping[str, Callable[[Sequence[Told[Answer]]], str]]
    verb: str


def tell(arguments: Sequence[str], options: ToldImagesOptions, how: Telling[Model, Answer]) -> int:
    """Tells something of each image; returns the exit status.

    Args:
      arguments: files, folders and patterns.
      options: where the results go, and how much is done at once.
      how: what is told.

    Raises:
      ValueError: there are no arguments, or the results cannot be written.
    """
    if not arguments:
        raise ValueError("which images? python infer.py IMAGES…: files, folders or patterns.")
    _check_output(options.output, tuple(how.formats))
    warning_lines.print_as_notes(EngineSkippedWarning)
    warnings.filterwarnings("ignore", module=r"PIL\.")  # Of metadata, which nobody reads here.
    image_files.silence_libtiff()
    Image.MAX_IMAGE_PIXELS = None  # The memory limit bounds the size of images.
    found = image_search.search(arguments)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    for problem in found.problems:
        print(f"error: {problem}", file=sys.stderr)
    if not found.paths:
        return 1
    told: list[Told[Answer]] = []
    try:
        with how.open_model(len(found.paths)) as model:
            for each in _answers(model, found.paths, options, how):
                told.append(each)  # First: it is known even if its line cannot be printed.
                if each.answer is None:
                    tqdm.write(printable(f"error: {each.path}: {each.error}"), file=sys.stderr)
                else:
                    tqdm.write(_lines(each.path, how.lines(each.answer)), file=sys.stdout)
    except BaseException:  # Ctrl-C, too: what is known by then took its time.
        if options.output and told:
            _write(options.output, told, how)
            print(
                f"{printable(options.output)}: {len(told)} of {len(found.paths)} images, those "
                "before the end came",
                file=sys.stderr,
            )
        raise
    if options.output:
        _write(options.output, told, how)
        print(printable(options.output))
    return 1 if found.problems or any(each.error for each in told) else 0


def check_writable(flag: str, path: str) -> None:
    """Makes sure (ValueError) that a file can be written, or that a folder can be made."""
    obstacle = files.find_obstacle(path)
    if obstacle is not None:
        where, problem = obstacle
        raise ValueError(
            f"--{flag}={printable(path)}: {printable(where)} {problem}; choose another --{flag}."
        )


def _check_output(path: str | None, endings: tuple[str, ...]) -> None:
    """Makes sure, before anything is loaded, that the results can be written."""
    if path is None:
        return
    if not path.endswith(endings):
        raise ValueError(
            f"--output={printable(path)}: expected the name of a {' or '.join(endings)} file."
        )
    obstacle = files.find_obstacle(os.path.dirname(path) or ".")
    if obstacle is not None or os.path.isdir(path):
        where, problem = obstacle or (path, "is a folder")
        raise ValueError(
            f"--output={printable(path)}: {printable(where)} {problem}; choose another --output."
        )


def _lines(path: str, lines: Sequence[str]) -> str:
    if len(lines) == 1:
        return printable(f"{path}: {lines[0]}")
    return "\n".join([f"{printable(path)}:", *(f"  {printable(line)}" for line in lines)])


def _write(path: str, told: Sequence[Told[Answer]], how: Telling[Model, Answer]) -> None:
    make = next(make for ending, make in how.formats.items() if path.endswith(ending))
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    files.write(path, make(told).encode(errors="backslashreplace"))


def _answers(
    model: Model, paths: Sequence[str], options: ToldImagesOptions, how: Telling[Model, Answer]
) -> Iterator[Told[Answer]]:
    """Runs images in their order, while threads read those to come."""
    limit = MemoryLimit(options.memory_limit_mb)

    def refuse(path: str, pixels: int) -> Image.Image | Exception:
        where, message = limit.describe_excess(pixels, path)
        return ValueError(f"{where}: {message}")

    read = workers.map_in_order(
        _read,
        paths,
        description=how.verb,
        show_progress=sys.stderr.isatty(),
        limit=workers.WeightLimit(count_pixels, limit.max_pixels, refuse),
    )
    batch: list[tuple[str, Image.Image | Exception]] = []
    for path, image in zip(paths, read, strict=True):
        batch.append((path, image))
        if len(batch) == options.batch_size:
            yield from _answer_batch(model, batch, how)
            batch = []
    yield from _answer_batch(model, batch, how)


def _read(path: str) -> Image.Image | Exception:
    try:
        return image_reading.to_rgb(image_reading.read_image(path))
    except (ValueError, OSError, MemoryError) as error:
        return error


def _answer_batch(
    model: Model,
    batch: Sequence[tuple[str, Image.Image | Exception]],
    how: Telling[Model, Answer],
) -> list[Told[Answer]]:
    images = [(path, image) for path, image in batch if not isinstance(image, Exception)]
    answers = iter(how.answer(model, images) if images else [])
    return [
        Told(path, error=_describe(image, path))
        if isinstance(image, Exception)
        else Told(path, next(answers))
        for path, image in batch
    ]


def _describe(error: Exception, path: str) -> str:
    if isinstance(error, MemoryError):
        return "it takes more memory than there is."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(reason.split()).removeprefix(f"{path}: ")
