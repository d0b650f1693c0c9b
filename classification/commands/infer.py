"""Tells the classes of images: infer.py. `infer_flags` has its words and flags."""

import csv
import dataclasses
import io
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence

from PIL import Image
from tqdm import tqdm

from classification.commands.infer_flags import InferOptions
from commands import warning_lines
from commands.flags import Flags
from common import files, image_files
from common.texts import printable
from datasets.images.memory_limit import MemoryLimit, count_pixels
from datasets.records import workers
from serving import export_file, image_reading, image_search
from serving.engines.engine import EngineSkippedWarning
from serving.image_classifier import ImageClassifier, RankedClass

# From so many on it pays to find out which engine is the fastest.
_MANY_IMAGES = 50
_ENDINGS = (".csv", ".json")


@dataclasses.dataclass(frozen=True)
class _Result:
    """What is told of an image: its classes, or why there are none."""

    path: str
    classes: Sequence[RankedClass] = ()
    error: str = ""


def main(flags: Flags, arguments: list[str]) -> int:
    """Turns flags into options and classifies the images; returns the exit status."""
    if not arguments:
        raise ValueError("which images? python infer.py IMAGES…: files, folders or patterns.")
    options = flags.options(InferOptions)
    _check_output(options.output)
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
    results: list[_Result] = []
    num_columns = options.top
    try:
        with ImageClassifier(
            options.model or export_file.find_newest_export(),
            options.engine,
            precision=options.precision,
            num_threads=options.num_threads,
            try_engines=len(found.paths) >= _MANY_IMAGES,
            trust=options.trust,
        ) as model:
            num_columns = min(options.top, model.num_classes)
            for result in _classify(model, found.paths, options):
                results.append(result)  # First: it is known even if its line cannot be printed.
                is_good = not result.error
                tqdm.write(_line(result), file=sys.stdout if is_good else sys.stderr)
    except BaseException:  # Ctrl-C, too: what is known by then took its time.
        if options.output and results:
            _write(options.output, results, num_columns)
            print(
                f"{printable(options.output)}: {len(results)} of {len(found.paths)} images, those "
                "before the end came",
                file=sys.stderr,
            )
        raise
    if options.output:
        _write(options.output, results, num_columns)
        print(printable(options.output))
    return 1 if found.problems or any(result.error for result in results) else 0


def _write(path: str, results: Sequence[_Result], num_columns: int) -> None:
    text = (_as_json if path.endswith(".json") else _as_csv)(results, num_columns)
    files.write(path, text.encode(errors="backslashreplace"))


def _check_output(path: str | None) -> None:
    """Makes sure, before anything is loaded, that the results can be written."""
    if path is None:
        return
    if not path.endswith(_ENDINGS):
        raise ValueError(
            f"--output={printable(path)}: expected the name of a {' or '.join(_ENDINGS)} file."
        )
    obstacle = files.find_obstacle(os.path.dirname(path) or ".")
    if obstacle is not None or os.path.isdir(path):
        where, problem = obstacle or (path, "is a folder")
        raise ValueError(
            f"--output={printable(path)}: {printable(where)} {problem}; choose another --output."
        )


def _classify(
    model: ImageClassifier, paths: Sequence[str], options: InferOptions
) -> Iterator[_Result]:
    """Classifies images in their order, while threads read those to come."""
    limit = MemoryLimit(options.memory_limit_mb)

    def refuse(path: str, pixels: int) -> Image.Image | Exception:
        where, message = limit.describe_excess(pixels, path)
        return ValueError(f"{where}: {message}")

    read = workers.map_in_order(
        _read,
        paths,
        description="classifying",
        show_progress=sys.stderr.isatty(),
        limit=workers.WeightLimit(count_pixels, limit.max_pixels, refuse),
    )
    batch: list[tuple[str, Image.Image | Exception]] = []
    for path, image in zip(paths, read, strict=True):
        batch.append((path, image))
        if len(batch) == options.batch_size:
            yield from _classify_batch(model, batch, options.top)
            batch = []
    yield from _classify_batch(model, batch, options.top)


def _read(path: str) -> Image.Image | Exception:
    try:
        return image_reading.to_rgb(image_reading.read_image(path))
    except (ValueError, OSError, MemoryError) as error:
        return error


def _classify_batch(
    model: ImageClassifier, batch: Sequence[tuple[str, Image.Image | Exception]], top: int
) -> list[_Result]:
    images = [image for _, image in batch if not isinstance(image, Exception)]
    classified = iter(model.run(images, top) if images else [])
    return [
        _Result(path, error=_describe(image, path))
        if isinstance(image, Exception)
        else _Result(path, next(classified).top)
        for path, image in batch
    ]


def _describe(error: Exception, path: str) -> str:
    if isinstance(error, MemoryError):
        return "it takes more memory than there is."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(reason.split()).removeprefix(f"{path}: ")


def _line(result: _Result) -> str:
    if result.error:
        return printable(f"error: {result.path}: {result.error}")
    classes = ", ".join(f"{each.class_name} {each.probability:.1%}" for each in result.classes)
    return printable(f"{result.path}: {classes}")


def _as_csv(results: Sequence[_Result], num_classes: int) -> str:
    """One row for each image: file, class_1, probability_1 … and why it has none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ranks = range(1, num_classes + 1)
    head = [name for rank in ranks for name in (f"class_{rank}", f"probability_{rank}")]
    writer.writerow(["file", *head, "error"])
    for result in results:
        cells = [
            cell for each in result.classes for cell in (each.class_name, f"{each.probability:.6f}")
        ]
        cells += [""] * (len(head) - len(cells))
        writer.writerow([result.path, *cells, result.error])
    return text.getvalue()


def _as_json(results: Sequence[_Result], num_classes: int) -> str:
    """A list of objects: file, and classes or error."""
    del num_classes
    content = []
    for result in results:
        told: dict = {"file": result.path}
        if result.error:
            told["error"] = result.error
        else:
            told["classes"] = [each._asdict() for each in result.classes]
        content.append(told)
    return json.dumps(content, indent=1, ensure_ascii=False, default=float) + "\n"
