"""Decides which TFRecord shards a source becomes, and which of them are there already.

Each finished shard is remembered in `datasets.records.build_folder` with a fingerprint of
everything that its bytes depend on (the files by path, size and time of change, the options of the
task) and its statistics. A shard whose fingerprint has not changed is kept; any other
is written again.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Generic

from common import dataset_files
from common.dataset_files import DATASET_FILE
from common.texts import printable
from datasets.records import build_folder, dataset_file, shard_names, tfrecords
from datasets.records.encoder import Encoder, SampleT, SpecT, SplitT

_MAX_SHARDS = 1024


@dataclasses.dataclass(frozen=True)
class Failure:
    """An example that cannot be converted."""

    split: str
    name: str
    message: str  # why, in one line that names the file


@dataclasses.dataclass(frozen=True)
class Shard(Generic[SampleT]):
    """A shard to write."""

    split: str
    path: str
    samples: Sequence[SampleT]
    fingerprint: str  # digest of everything that its bytes depend on


@dataclasses.dataclass(frozen=True)
class FinishedShard(Generic[SplitT]):
    """What is remembered of a shard."""

    fingerprint: str
    num_bytes: int
    statistics: SplitT  # as a split of one shard
    failures: tuple[Failure, ...]  # the examples that were skipped


@dataclasses.dataclass(frozen=True)
class _Note:
    """A `FinishedShard` as its file has it."""

    fingerprint: str
    num_bytes: int
    statistics: Mapping[str, Any]
    failures: tuple[Failure, ...]


@dataclasses.dataclass(frozen=True)
class ShardPlan(Generic[SampleT, SplitT, SpecT]):
    """What a conversion will write."""

    encoder: Encoder[SampleT, SplitT, SpecT]
    output_dir: str
    splits: tuple[str, ...]
    shards: tuple[Shard[SampleT], ...]  # split by split
    finished: Mapping[str, FinishedShard[SplitT]]  # by path: of earlier runs, and kept
    data_dir: str | None = None  # folder of the images, where it is known

    @property
    def pending(self) -> list[Shard[SampleT]]:
        """The shards that remain to be written."""
        return [shard for shard in self.shards if shard.path not in self.finished]

    @property
    def outdated(self) -> list[Shard[SampleT]]:
        """The shards that exist but have to be written again."""
        return [shard for shard in self.pending if os.path.exists(shard.path)]

    def prepare(self) -> None:
        """Makes the folder ready for writing; see `build_folder.prepare`."""
        encoder = self.encoder
        build_folder.remember_owner(self.output_dir, encoder.task, encoder.name, self.data_dir)
        paths = {shard.path for shard in self.shards}
        build_folder.prepare(self.output_dir, paths, is_finished=not self.pending)


def plan_shards(
    encoder: Encoder[SampleT, SplitT, SpecT],
    splits: Mapping[str, Sequence[SampleT]],
    output_dir: str,
    *,
    num_shards: int | None = None,
    is_checked: bool = False,
    skip_failures: bool = False,
    data_dir: str | None = None,
) -> ShardPlan[SampleT, SplitT, SpecT]:
    """Decides which shards there will be and which of them are there already.

    Args:
      encoder: makes the records.
      splits: samples of each split.
      output_dir: folder of the shards; it need not exist.
      num_shards: shards of each split; None for the number that suits the task. A split never gets
        more than it has examples.
      is_checked: whether the examples that a check finds to be unusable will be skipped; shards
        that were written without such a check are not kept then.
      skip_failures: whether finished shards in which examples were skipped are kept.
      data_dir: the folder that the samples are of, if they are of one.

    Raises:
      OSError: the folder cannot be written to, or holds something else, such as records of another
        data_dir.
    """
    build_folder.check_writable(output_dir)
    _check_ownership(encoder, output_dir)
    shards = []
    for split, samples in splits.items():
        count = num_shards or min(_MAX_SHARDS, -(-len(samples) // encoder.examples_per_shard))
        count = max(1, min(count, len(samples)))
        for index in range(count):
            part = samples[len(samples) * index // count : len(samples) * (index + 1) // count]
            path = tfrecords.shard_path(output_dir, split, index, count, encoder.shard_ending)
            fields = json.dumps(encoder.fingerprint(part, is_checked))
            fingerprint = hashlib.sha256(fields.encode()).hexdigest()
            shards.append(Shard(split, path, part, fingerprint))
    finished = {}
    for shard in shards:
        state = recall(encoder, shard)
        if state is not None and (skip_failures or not state.failures):
            finished[shard.path] = state
    _check_data_dir(encoder, output_dir, data_dir, finished)
    return ShardPlan(encoder, output_dir, tuple(splits), tuple(shards), finished, data_dir)


def mix(samples: Iterable[SampleT]) -> tuple[SampleT, ...]:
    """Returns samples in an order that depends on nothing but their names, and mixes them.

    In the order of their names samples of one kind lie behind each other, and a reader that
    shuffles some thousands of examples would train on one kind at a time.
    """
    return tuple(sorted(samples, key=lambda each: hashlib.sha256(each.name.encode()).digest()))


def recall(
    encoder: Encoder[SampleT, SplitT, SpecT], shard: Shard[SampleT]
) -> FinishedShard[SplitT] | None:
    """Returns what is remembered of a shard if it is there, whole, and still what is wanted.

    Whatever else the files hold, because a disk or a person has damaged them, counts as nothing:
    the shard is written again.
    """
    try:
        note = build_folder.recall(shard.path, _Note)
        statistics = encoder.parse_split(note.statistics, shard.path, "statistics")
        is_whole = (
            note.fingerprint == shard.fingerprint
            and note.num_bytes == os.path.getsize(shard.path)
            and statistics.num_examples == tfrecords.count_records(shard.path)
        )
    except (OSError, ValueError):
        return None
    if not is_whole:
        return None
    return FinishedShard(note.fingerprint, note.num_bytes, statistics, note.failures)


def file_state(path: str) -> tuple[str, int, int] | str:
    """Returns what changes when a file does, for a fingerprint: path, size and time of change."""
    try:
        state = os.stat(path)
    except OSError:
        return path
    return os.path.abspath(path), state.st_size, state.st_mtime_ns


def _check_ownership(encoder: Encoder, output_dir: str) -> None:
    """Refuses a folder with files of another dataset or program: they would be removed."""
    if os.path.exists(os.path.join(output_dir, DATASET_FILE)):
        owner = dataset_file.read_owner(output_dir)  # A damaged description is written again.
        what = "the dataset"
    else:
        owner = build_folder.recall_owner(output_dir)
        what = "an unfinished build of the dataset"
    if owner is not None and owner != (encoder.task, encoder.name):
        task, name = owner
        of_task = f" for {task}" if task != encoder.task else ""
        raise FileExistsError(
            f"{output_dir} holds {what} {name!r}{of_task}, not {encoder.name!r}: choose "
            "another output_dir, or remove that folder."
        )
    foreign = build_folder.list_foreign(output_dir, encoder.shard_ending)
    if not build_folder.was_begun(output_dir):
        others = (os.path.join(output_dir, name) for name in encoder.other_files)
        foreign += filter(os.path.exists, others)
    if foreign:
        raise FileExistsError(
            f"{output_dir} holds files that no build has written there, such as "
            f"{os.path.basename(foreign[0])}: choose another output_dir, or remove them."
        )


def _check_data_dir(
    encoder: Encoder, output_dir: str, data_dir: str | None, kept: Collection[str]
) -> None:
    """Refuses to replace shards that were built of another folder of the same name."""
    former, now = build_folder.recall_data_dir(output_dir), dataset_files.absolute(data_dir)
    if not dataset_files.is_other(former, now):
        return
    if set(shard_names.list_ours(output_dir)) <= set(kept):
        return  # Two paths lead to the same files.
    raise FileExistsError(
        f"{printable(output_dir)} holds the dataset {encoder.name!r} of {printable(former)}, and "
        f"this is the one of {printable(now)}: choose another folder with --output_dir (with make: "
        "TFRECORDS=FOLDER), or remove that one."
    )
