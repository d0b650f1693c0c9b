"""Decides which TFRecord shards a source becomes, and which of them are there already.

Beside the shards lies the folder `.build` with a small JSON file for each finished shard: a
fingerprint of everything that its bytes depend on (the files by path, size and time of change, the
meaning of the masks, the options) and its statistics. A shard whose fingerprint has not changed is
kept; any other is written again.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence

import cv2
import PIL

from common import files, json_files, locks
from datasets.records import shard_names, tfrecords
from datasets.segmentation import record_format, spec_checks
from datasets.segmentation.sources.source import Sample, Source
from datasets.segmentation.specs import DATASET_FILE, SplitSpec, read_spec, write_json

_STATE_DIR = ".build"
# Raise it when the bytes of records change for another reason than those in the fingerprint.
_RECORD_VERSION = 4

# Small enough to lose little work when a run is stopped and to shuffle well over files, large
# enough to be read at the speed of the disk: with a 480x360 gradient 52 MB.
_EXAMPLES_PER_SHARD = 128
_MAX_SHARDS = 1024


@dataclasses.dataclass(frozen=True)
class Failure:
    """An example that cannot be converted.

    Attributes:
      split: its split.
      name: its name.
      message: why, in one line that names the file.
    """

    split: str
    name: str
    message: str


@dataclasses.dataclass(frozen=True)
class Shard:
    """A shard to write.

    Attributes:
      split: its split.
      path: its file.
      items: the examples for it, in order.
      fingerprint: digest of everything that its bytes depend on.
    """

    split: str
    path: str
    items: Sequence[Sample]
    fingerprint: str


@dataclasses.dataclass(frozen=True)
class FinishedShard:
    """What `.build` remembers of a shard.

    Attributes:
      fingerprint: that of the `Shard`.
      num_bytes: size of the file.
      statistics: of its examples, as a split of one shard.
      failures: examples that were left out.
    """

    fingerprint: str
    num_bytes: int
    statistics: SplitSpec
    failures: tuple[Failure, ...]


@dataclasses.dataclass(frozen=True)
class ShardPlan:
    """What a conversion will write.

    Attributes:
      source: the images and masks.
      output_dir: folder of the shards.
      gradient_format: form of the records' gradient channel, one of
        `record_format.GRADIENT_FORMATS`; None for records without the channel.
      shards: all shards, split by split.
      finished: the shards that an earlier run has written and that are kept, by path.
    """

    source: Source
    output_dir: str
    gradient_format: str | None
    shards: tuple[Shard, ...]
    finished: Mapping[str, FinishedShard]

    @property
    def pending(self) -> list[Shard]:
        """The shards that remain to be written."""
        return [shard for shard in self.shards if shard.path not in self.finished]

    @property
    def outdated(self) -> list[Shard]:
        """The shards that are there but have to be written again."""
        return [shard for shard in self.pending if os.path.exists(shard.path)]

    def find_stale_files(self) -> list[str]:
        """Finds shards that only an earlier build has, and what is remembered of them."""
        shards = {shard.path for shard in self.shards}
        states = {_state_path(path) for path in shards}
        state_dir = os.path.join(self.output_dir, _STATE_DIR)
        names = sorted(os.listdir(state_dir)) if os.path.isdir(state_dir) else []
        return [
            *(path for path in shard_names.list_ours(self.output_dir) if path not in shards),
            *(
                path
                for name in names
                if (path := os.path.join(state_dir, name)) not in states and name != locks.LOCK_FILE
            ),
        ]


@contextlib.contextmanager
def sole_build(output_dir: str) -> Iterator[None]:
    """Makes this process the only one that builds into a folder, which is made if need be.

    Plan within the block: a plan of before may count on shards that another build has replaced.

    Raises:
      FolderInUseError: another process builds into it; the message names both.
      OSError: the folder cannot be written to.
    """
    _check_writable(output_dir)
    os.makedirs(os.path.join(output_dir, _STATE_DIR), exist_ok=True)
    advice = "Wait until that one has ended, or choose another output_dir."
    with locks.sole_writer(output_dir, "another build of a dataset", advice, _STATE_DIR):
        yield


def was_begun(output_dir: str) -> bool:
    """Returns whether an earlier build, finished or not, or one that runs has made a folder."""
    return os.path.isdir(os.path.join(output_dir, _STATE_DIR))


def plan_shards(
    source: Source,
    output_dir: str,
    *,
    num_shards: int | None = None,
    gradient_format: str | None = record_format.GRADIENT_FORMATS[0],
    is_checked: bool = False,
    skip_failures: bool = False,
) -> ShardPlan:
    """Decides which shards there will be and which of them are there already.

    Args:
      source: the images and masks.
      output_dir: folder of the shards; it need not exist.
      num_shards: shards of each split; None for about one for 128 examples. A split never gets
        more than it has examples.
      gradient_format: form of the records' gradient channel, one of
        `record_format.GRADIENT_FORMATS`; None for records without the channel.
      is_checked: whether the examples that a check finds to be unusable will be left out; shards
        that were written without such a check are not kept then.
      skip_failures: whether finished shards in which examples were left out are kept.

    Raises:
      OSError: the folder cannot be written to.
      ValueError: a number is out of range, or the folder holds something else.
    """
    if num_shards is not None and num_shards < 1:
        raise ValueError(f"num_shards is {num_shards}; expected 1 or more.")
    _check_writable(output_dir)
    _check_ownership(source, output_dir)
    shards = []
    for split, items in source.splits.items():
        count = num_shards or min(_MAX_SHARDS, -(-len(items) // _EXAMPLES_PER_SHARD))
        count = max(1, min(count, len(items)))
        for index in range(count):
            part = items[len(items) * index // count : len(items) * (index + 1) // count]
            path = tfrecords.shard_path(output_dir, split, index, count)
            fingerprint = _fingerprint(source, part, gradient_format, is_checked)
            shards.append(Shard(split, path, part, fingerprint))
    finished = {}
    for shard in shards:
        state = recall(shard)
        if state is not None and (skip_failures or not state.failures):
            finished[shard.path] = state
    return ShardPlan(source, output_dir, gradient_format, tuple(shards), finished)


def prepare(plan: ShardPlan) -> None:
    """Makes the folder ready for writing: without leftovers and files of an earlier build.

    Raises:
      OSError: the folder cannot be written to.
    """
    state_dir = os.path.join(plan.output_dir, _STATE_DIR)
    os.makedirs(state_dir, exist_ok=True)
    tfrecords.remove_temporary_files(plan.output_dir)
    files.remove_leftovers(state_dir)
    stale = plan.find_stale_files()
    if plan.pending or stale:
        # Until all shards fit together again nobody shall take them for a dataset.
        _remove(os.path.join(plan.output_dir, DATASET_FILE))
    for path in stale:
        os.remove(path)


def remember(shard: Shard, finished: FinishedShard) -> None:
    """Writes down that a shard is finished.

    That is done just before the shard appears, so that an interrupted build never shows a shard
    that the next one would write again; without its file, what is written down does not count.

    Raises:
      OSError: it cannot be written.
    """
    write_json(_state_path(shard.path), dataclasses.asdict(finished))


def remember_failure(shard: Shard, message: str) -> None:
    """Writes down why a shard cannot be written, where nobody hears of an exception."""
    files.write(_failure_path(shard.path), message.encode(errors="backslashreplace"))


def recall_failure(shard: Shard) -> str | None:
    """Returns why a shard could not be written, or None; `prepare` forgets it."""
    try:
        with open(_failure_path(shard.path), encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return None


def discard(shard: Shard) -> None:
    """Removes what an earlier build left of a shard that has to be written again."""
    _remove(_state_path(shard.path))
    _remove(shard.path)


def recall(shard: Shard) -> FinishedShard | None:
    """Returns what is remembered of a shard if it is there, whole, and still what is wanted.

    Whatever else the files hold, because a disk or a person has damaged them, counts as nothing:
    the shard is written again.
    """
    try:
        path = _state_path(shard.path)
        state = json_files.to_record(FinishedShard, json_files.read_object(path), path)
        spec_checks.check_split(vars(state.statistics), "statistics")
        if state.fingerprint != shard.fingerprint:
            return None
        if state.num_bytes != os.path.getsize(shard.path):
            return None
        num_records = tfrecords.count_records(shard.path)
    except (OSError, ValueError):
        return None
    return state if num_records == state.statistics.num_examples else None


def _state_path(shard_path: str) -> str:
    directory, name = os.path.split(shard_path)
    return os.path.join(directory, _STATE_DIR, name.removesuffix(".tfrecord") + ".json")


def _failure_path(shard_path: str) -> str:
    return _state_path(shard_path).removesuffix(".json") + ".failed"


def _fingerprint(
    source: Source, items: Sequence[Sample], gradient_format: str | None, is_checked: bool
) -> str:
    """Digest of everything that the bytes and the statistics of a shard depend on."""
    fields = [
        _RECORD_VERSION,
        cv2.__version__,  # Both libraries may compress in another way in another version.
        PIL.__version__,
        gradient_format,
        is_checked,
        source.num_classes,
        source.ignore_label,
        repr(source.mask_format),
        [(item.name, _file_state(item.image_path), _file_state(item.mask_path)) for item in items],
    ]
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()


def _file_state(path: str) -> tuple[str, int, int] | str:
    try:
        state = os.stat(path)
    except OSError:
        return path
    return os.path.abspath(path), state.st_size, state.st_mtime_ns


def _check_writable(output_dir: str) -> None:
    """Finds out before the images are read for minutes."""
    existing = os.path.abspath(output_dir)
    while not os.path.exists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        raise NotADirectoryError(f"output_dir {output_dir}: {existing} is not a folder.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(f"output_dir {output_dir}: {existing} cannot be written to.")


def _check_ownership(source: Source, output_dir: str) -> None:
    """Refuses a folder with shards of another dataset or program: they would be removed."""
    if os.path.exists(os.path.join(output_dir, DATASET_FILE)):
        with contextlib.suppress(ValueError):  # A damaged description is written again.
            name = read_spec(output_dir).name
            if name != source.name:
                raise FileExistsError(
                    f"{output_dir} holds the dataset {name!r}, not {source.name!r}: choose another "
                    "output_dir, or remove that folder."
                )
    elif not os.path.exists(os.path.join(output_dir, _STATE_DIR)):
        foreign = shard_names.list_ours(output_dir)
        if foreign:
            raise FileExistsError(
                f"{output_dir} holds shards of another program, such as "
                f"{os.path.basename(foreign[0])}: choose another output_dir, or remove them."
            )


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
