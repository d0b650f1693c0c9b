"""Decides which TFRecord shards a source becomes, and which of them are there already.

Each finished shard is remembered in `datasets.records.build_folder` with a fingerprint of
everything that its bytes depend on (the files by path, size and time of change, the meaning of the
masks, the options) and its statistics. A shard whose fingerprint has not changed is kept; any other
is written again.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping, Sequence

import cv2
import PIL

from datasets.records import build_folder, shard_names, tfrecords
from datasets.segmentation import record_format, specs
from datasets.segmentation.sources.source import Sample, Source
from datasets.segmentation.specs import SplitSpec

# Raise it when the bytes of records change for another reason than those in the fingerprint.
_RECORD_VERSION = 4

# Small enough to lose little work when a run is stopped and to shuffle well over files, large
# enough to be read at the speed of the disk: with a 480x360 gradient 52 MB.
_EXAMPLES_PER_SHARD = 128
_MAX_SHARDS = 1024


@dataclasses.dataclass(frozen=True)
class Failure:
    """An example that cannot be converted."""

    split: str
    name: str
    message: str  # why, in one line that names the file


@dataclasses.dataclass(frozen=True)
class Shard:
    """A shard to write."""

    split: str
    path: str
    samples: Sequence[Sample]
    fingerprint: str  # digest of everything that its bytes depend on


@dataclasses.dataclass(frozen=True)
class FinishedShard:
    """What is remembered of a shard."""

    fingerprint: str
    num_bytes: int
    statistics: SplitSpec  # as a split of one shard
    failures: tuple[Failure, ...]  # the examples that were skipped


@dataclasses.dataclass(frozen=True)
class ShardPlan:
    """What a conversion will write."""

    source: Source
    output_dir: str
    gradient_format: str | None  # None for records without the gradient channel
    shards: tuple[Shard, ...]  # split by split
    finished: Mapping[str, FinishedShard]  # by path: of earlier runs, and kept

    @property
    def pending(self) -> list[Shard]:
        """The shards that remain to be written."""
        return [shard for shard in self.shards if shard.path not in self.finished]

    @property
    def outdated(self) -> list[Shard]:
        """The shards that exist but have to be written again."""
        return [shard for shard in self.pending if os.path.exists(shard.path)]

    def prepare(self) -> None:
        """Makes the folder ready for writing; see `build_folder.prepare`."""
        paths = {shard.path for shard in self.shards}
        build_folder.prepare(self.output_dir, paths, is_finished=not self.pending)


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
      output_dir: folder of the shards; it need not exist.
      num_shards: shards of each split; None for about one per 128 examples. A split never gets
        more than it has examples.
      gradient_format: one of `record_format.GRADIENT_FORMATS`, or None.
      is_checked: whether the examples that a check finds to be unusable will be skipped; shards
        that were written without such a check are not kept then.
      skip_failures: whether finished shards in which examples were skipped are kept.

    Raises:
      OSError: the folder cannot be written to, or holds something else.
    """
    build_folder.check_writable(output_dir)
    _check_ownership(source, output_dir)
    shards = []
    for split, samples in source.splits.items():
        count = num_shards or min(_MAX_SHARDS, -(-len(samples) // _EXAMPLES_PER_SHARD))
        count = max(1, min(count, len(samples)))
        for index in range(count):
            part = samples[len(samples) * index // count : len(samples) * (index + 1) // count]
            path = tfrecords.shard_path(output_dir, split, index, count)
            fingerprint = _fingerprint(source, part, gradient_format, is_checked)
            shards.append(Shard(split, path, part, fingerprint))
    finished = {}
    for shard in shards:
        state = recall(shard)
        if state is not None and (skip_failures or not state.failures):
            finished[shard.path] = state
    return ShardPlan(source, output_dir, gradient_format, tuple(shards), finished)


def recall(shard: Shard) -> FinishedShard | None:
    """Returns what is remembered of a shard if it is there, whole, and still what is wanted.

    Whatever else the files hold, because a disk or a person has damaged them, counts as nothing:
    the shard is written again.
    """
    try:
        state = build_folder.recall(shard.path, FinishedShard)
        specs.check_split(state.statistics, "statistics")
        is_whole = (
            state.fingerprint == shard.fingerprint
            and state.num_bytes == os.path.getsize(shard.path)
            and state.statistics.num_examples == tfrecords.count_records(shard.path)
        )
    except (OSError, ValueError):
        return None
    return state if is_whole else None


def _fingerprint(
    source: Source, samples: Sequence[Sample], gradient_format: str | None, is_checked: bool
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
        [
            (sample.name, _file_state(sample.image_path), _file_state(sample.mask_path))
            for sample in samples
        ],
    ]
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()


def _file_state(path: str) -> tuple[str, int, int] | str:
    try:
        state = os.stat(path)
    except OSError:
        return path
    return os.path.abspath(path), state.st_size, state.st_mtime_ns


def _check_ownership(source: Source, output_dir: str) -> None:
    """Refuses a folder with shards of another dataset or program: they would be removed."""
    if os.path.exists(os.path.join(output_dir, specs.DATASET_FILE)):
        with contextlib.suppress(ValueError):  # A damaged description is written again.
            name = specs.read_spec(output_dir).name
            if name != source.name:
                raise FileExistsError(
                    f"{output_dir} holds the dataset {name!r}, not {source.name!r}: choose another "
                    "output_dir, or remove that folder."
                )
    elif not build_folder.was_begun(output_dir):
        foreign = shard_names.list_ours(output_dir)
        if foreign:
            raise FileExistsError(
                f"{output_dir} holds shards of another program, such as "
                f"{os.path.basename(foreign[0])}: choose another output_dir, or remove them."
            )
