"""Very many images as shards, each segmented by one worker and remembered once it is whole.

The folder of the results holds `.infer/`, with a file for each finished shard: what it was made of,
and which of its images have failed. Another run with the same images, model and options goes on
with the shards that are missing.
"""

import csv
import dataclasses
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Sequence

from common import json_files
from common.texts import printable
from serving import file_inference, memory, results, tiling
from serving.beam import file_store
from serving.beam.file_store import FoundImage
from serving.deeplab_model import DeepLabModel

STATE_FOLDER = ".infer"
FAILURES_FILE = "failures.csv"


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that a worker needs to know.

    Attributes:
      model: file of the export, which every worker sees, or its address in a bucket.
      engine, precision, num_threads, trust: as of `DeepLabModel`.
      output: folder of the results, which every worker sees, or an address in a bucket.
      results: what is written for each image.
      tiles: what becomes of images larger than the network takes.
      batch_size: the most images of a shard that run together.
      max_pixels: images of more are not read; None for no limit.
      memory_limit: bytes that a worker may take; None for most of what is free there.
    """

    model: str
    engine: str
    precision: str
    num_threads: int | None
    trust: bool
    output: str
    results: results.ResultOptions
    tiles: tiling.TileOptions
    batch_size: int
    max_pixels: int | None
    memory_limit: int | None

    def load(self) -> DeepLabModel:
        """Loads the model on this machine. Engines are not tried: all workers take the same one."""
        with tempfile.TemporaryDirectory() as folder:
            return DeepLabModel(
                file_store.fetch_all(self.model, folder),
                self.engine,
                precision=self.precision,
                num_threads=self.num_threads,
                try_engines=False,
                trust=self.trust,
            )


@dataclasses.dataclass(frozen=True)
class Shard:
    """Images that one worker segments.

    Attributes:
      state_path: the file that remembers it.
      fingerprint: changes with the images, the model and the options.
      paths, names: the images, and what the names of their results begin with.
    """

    state_path: str
    fingerprint: str
    paths: tuple[str, ...]
    names: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Record:
    """What is remembered of a shard.

    Attributes:
      fingerprint: that of the shard.
      failures: (path, reason) of each image that has failed.
      error: why the shard could not be finished, or None.
    """

    fingerprint: str
    failures: tuple[tuple[str, str], ...] = ()
    error: str | None = None


def plan(
    images: Sequence[FoundImage], names: Sequence[str], settings: Settings, shard_size: int
) -> list[Shard]:
    """Deals images to shards, in order.

    Args:
      images: all of them.
      names: what the names of their results begin with.
      settings: how they are segmented.
      shard_size: images of a shard.
    """
    shared = {**dataclasses.asdict(settings), "model": _model_state(settings.model)}
    count = -(-len(images) // shard_size)
    shards = []
    for number in range(count):
        part = slice(number * shard_size, (number + 1) * shard_size)
        made_of = json.dumps([shared, images[part], names[part]], sort_keys=True)
        name = f"shard-{number:05d}-of-{count:05d}.json"
        shards.append(
            Shard(
                file_store.join(file_store.join(settings.output, STATE_FOLDER), name),
                hashlib.sha256(made_of.encode()).hexdigest(),
                tuple(image.path for image in images[part]),
                tuple(names[part]),
            )
        )
    return shards


def recall(shard: Shard) -> Record | None:
    """Returns what is remembered of a shard; None if nothing is, or of another one.

    Raises:
      OSError: the file cannot be read.
    """
    content = file_store.read(shard.state_path)
    if content is None:
        return None
    try:
        values = json_files.parse_object(content, shard.state_path)
        record = json_files.to_record(Record, values, shard.state_path)
    except ValueError:  # Half-written in a bucket, or of another version.
        return None
    return record if record.fingerprint == shard.fingerprint else None


def segment(model: DeepLabModel, shard: Shard, settings: Settings) -> None:
    """Segments the images of a shard and remembers it, or why that was not possible."""
    try:
        failures = _segment(model, shard, settings)
    except (OSError, ValueError, MemoryError) as error:
        _remember(shard, Record(shard.fingerprint, error=str(error) or type(error).__name__))
        return
    _remember(shard, Record(shard.fingerprint, tuple(failures)))


def write_failures(records: Sequence[Record], output: str) -> str | None:
    """Writes a table of the images that have failed; removes it where none has.

    Returns:
      Its path; None where there is no such image.
    """
    path = file_store.join(output, FAILURES_FILE)
    rows = [failure for record in records for failure in record.failures]
    if not rows:
        file_store.remove(path)
        return None
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(("path", "reason"))
    writer.writerows(rows)
    file_store.write(path, table.getvalue().encode())
    return path


def _segment(model: DeepLabModel, shard: Shard, settings: Settings) -> list[tuple[str, str]]:
    failures: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        paths: dict[str, str] = {}  # Local ones to those of the shard.
        names = []
        for path, name in zip(shard.paths, shard.names, strict=True):
            try:
                paths[file_store.fetch(path, folder)] = path
                names.append(name)
            except OSError as error:
                failures.append((path, str(error)))
        output = settings.output
        if file_store.is_remote(output):
            output = os.path.join(folder, "results")
        os.makedirs(output, exist_ok=True)
        outcomes = file_inference.segment_files(
            model,
            list(paths),
            names,
            output,
            settings.results,
            settings.batch_size,
            memory.Budget(settings.memory_limit or memory.default_limit()),
            settings.tiles,
            settings.max_pixels,
        )
        for outcome in outcomes:
            if outcome.error is not None:
                own = paths[outcome.path]
                reason = str(outcome.error).replace(printable(outcome.path), printable(own))
                failures.append((own, " ".join(reason.split())))
        if file_store.is_remote(settings.output):
            file_store.publish(output, sorted(os.listdir(output)), settings.output)
    return failures


def _remember(shard: Shard, record: Record) -> None:
    content = json.dumps(dataclasses.asdict(record), ensure_ascii=False) + "\n"
    file_store.write(shard.state_path, content.encode())


def _model_state(path: str) -> str:
    """Returns what tells whether a model has changed."""
    if file_store.is_remote(path):
        return path
    status = os.stat(path)
    return f"{path} {status.st_size} {status.st_mtime_ns}"
