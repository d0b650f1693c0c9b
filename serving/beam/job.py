"""Very many images as shards, each segmented by one worker and remembered once it is whole.

The folder of the results holds `.infer/`, with a file for each finished shard: what it was made of,
which of its images have failed, and the state of its results. Another run with the same images,
model and options goes on with the shards that are missing, or whose results are not as they were.
"""

import csv
import dataclasses
import hashlib
import io
import json
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence

from common import json_files
from common.texts import printable
from serving import export_state, file_inference, memory, results, tiling
from serving.beam import file_store
from serving.beam.file_store import FoundImage
from serving.deeplab_model import DeepLabModel, ImageShrunkWarning, ImageTiledWarning

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
        for each in (ImageShrunkWarning, ImageTiledWarning):  # They are counted.
            warnings.simplefilter("ignore", each)
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
      results: names of the files that it may write.
    """

    state_path: str
    fingerprint: str
    paths: tuple[str, ...]
    names: tuple[str, ...]
    results: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Record:
    """What is remembered of a shard.

    Attributes:
      fingerprint: that of the shard.
      results: changes with the files of its results.
      failures: (path, reason) of each image that has failed.
      may_pass: whether the reason of a failure may pass, such as that of a disk, or memory; an
        image that is damaged stays so.
      num_tiled, num_shrunk: images larger than the network takes that ran in tiles, or shrunk.
      error: why the shard could not be finished, or None.
    """

    fingerprint: str
    results: str = ""
    failures: tuple[tuple[str, str], ...] = ()
    may_pass: bool = False
    num_tiled: int = 0
    num_shrunk: int = 0
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
    endings = settings.results.possible_endings
    count = -(-len(images) // shard_size)
    shards = []
    for number in range(count):
        part = slice(number * shard_size, (number + 1) * shard_size)
        name = f"shard-{number:05d}-of-{count:05d}.json"
        shards.append(
            Shard(
                file_store.join(file_store.join(settings.output, STATE_FOLDER), name),
                _digest([shared, images[part], names[part]]),
                tuple(image.path for image in images[part]),
                tuple(names[part]),
                tuple(name + ending for name in names[part] for ending in endings),
            )
        )
    return shards


def check_results(shards: Sequence[Shard], output: str) -> None:
    """Makes sure that no result is written over an image that is read.

    Raises:
      ValueError: one may be.
    """
    read = {_real_path(path) for shard in shards for path in shard.paths}
    folder = _real_path(output)
    for shard in shards:
        for name in shard.results:
            path = file_store.join(folder, name)
            if path in read:
                raise ValueError(
                    f"a result may overwrite the image {printable(path)}; choose another --output."
                )


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


def is_finished(shard: Shard, states: Mapping[str, str]) -> bool:
    """Whether nothing is left to do for a shard.

    Args:
      shard: the shard.
      states: of the files in the folder of the results, see `file_store.states`.

    Raises:
      OSError: what is remembered cannot be read.
    """
    record = recall(shard)
    return (
        record is not None
        and record.error is None
        and not record.may_pass
        and record.results == _state_of_results(shard, states)
    )


def segment(model: DeepLabModel, shard: Shard, settings: Settings) -> None:
    """Segments the images of a shard and remembers it, or why that was not possible."""
    try:
        record = _segment(model, shard, settings)
    except (OSError, ValueError, MemoryError) as error:
        record = Record(shard.fingerprint, error=str(error) or type(error).__name__)
    content = json.dumps(dataclasses.asdict(record), ensure_ascii=False) + "\n"
    file_store.write(shard.state_path, content.encode())


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


def _segment(model: DeepLabModel, shard: Shard, settings: Settings) -> Record:
    failures: list[tuple[str, str]] = []
    may_pass, num_tiled, num_shrunk = False, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        paths: dict[str, str] = {}  # Local ones to those of the shard.
        names = []
        for path, name in zip(shard.paths, shard.names, strict=True):
            try:
                paths[file_store.fetch(path, folder)] = path
                names.append(name)
            except OSError as error:
                failures.append((path, str(error)))
                may_pass = True
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
                is_damaged = isinstance(outcome.error, ValueError)
                may_pass |= not is_damaged or isinstance(outcome.error, memory.TooLargeError)
            elif outcome.network_size != outcome.size:
                num_shrunk += 1
            elif _is_tiled(model, outcome, settings.tiles):
                num_tiled += 1
        if file_store.is_remote(settings.output):
            file_store.publish(output, sorted(os.listdir(output)), settings.output)
    states = file_store.states(settings.output, shard.results)
    return Record(
        shard.fingerprint,
        _state_of_results(shard, states),
        tuple(failures),
        may_pass,
        num_tiled,
        num_shrunk,
    )


def _is_tiled(
    model: DeepLabModel, outcome: file_inference.Outcome, tiles: tiling.TileOptions
) -> bool:
    assert outcome.size is not None
    return model.plan_tiles(*outcome.size, tiles.tile, tiles.overlap) is not None


def _state_of_results(shard: Shard, states: Mapping[str, str]) -> str:
    """Returns what changes when a result is removed, or written by another run."""
    return _digest([(name, states[name]) for name in shard.results if name in states])


def _model_state(path: str) -> object:
    """Returns what changes with any file of an export."""
    if file_store.is_remote(path):
        return file_store.state_of_all(path)
    return [path, export_state.state_of_files(path)]


def _real_path(path: str) -> str:
    return path if file_store.is_remote(path) else os.path.realpath(path)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
