"""What a conversion asks of a task: how a sample becomes a record, and what is known of records."""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from datasets.records import tfrecords


class Sample(Protocol):
    """One example on disk."""

    @property
    def name(self) -> str: ...  # unique within its split

    @property
    def paths(self) -> Sequence[str]: ...  # of its files, that of the image first


class Split(Protocol):
    """What is known of a split, or of a shard as a split of one shard."""

    @property
    def num_examples(self) -> int: ...


SampleT = TypeVar("SampleT", bound=Sample)
SplitT = TypeVar("SplitT", bound=Split)
SpecT = TypeVar("SpecT")


class Encoded(NamedTuple):
    """The serialized record of one example."""

    record: bytes
    facts: Sequence[Any]  # arguments of `Statistics.add`


class Statistics(Protocol):
    """Adds up what is known of the records of a shard."""

    @property
    def add(self) -> Callable[..., None]: ...  # Each task has its own facts.

    def to_split(self) -> Any: ...


class Encoder(abc.ABC, Generic[SampleT, SplitT, SpecT]):
    """Makes records of samples, in any thread; sent to the machines of a conversion on Beam."""

    # Name of the dataset, and its task as `dataset_file` calls it.
    name: str
    task: str
    # Ending of the shards' names.
    shard_ending = tfrecords.SHARD_ENDING
    # Names of what is written beside the shards besides `dataset.json`.
    other_files: tuple[str, ...] = ()
    # Small enough to lose little work when a run is stopped and to shuffle well over files, large
    # enough to be read at the speed of the disk.
    examples_per_shard: int

    @abc.abstractmethod
    def fingerprint(self, samples: Sequence[SampleT], is_checked: bool) -> list[Any]:
        """Returns all that the bytes and statistics of a shard depend on, as values of JSON.

        Args:
          is_checked: whether what a check finds to be unusable is skipped.
        """

    @abc.abstractmethod
    def encode(self, sample: SampleT) -> Encoded:
        """Makes the record of a sample.

        Raises:
          OSError: a file cannot be opened.
          ValueError: it cannot be used; the message names the file.
        """

    @abc.abstractmethod
    def start_statistics(self) -> Statistics:
        """Returns the statistics of no records, for a shard."""

    @abc.abstractmethod
    def parse_split(self, fields: Mapping[str, Any], path: str, key: str) -> SplitT:
        """Makes the statistics of a shard of a JSON object.

        Raises:
          ValueError: that is not possible; the message has path and key of the object.
        """

    @abc.abstractmethod
    def add_shards(self, parts: Sequence[SplitT], shard_bytes: Sequence[int]) -> SplitT:
        """Adds up the shards of a split, each given as a split of one shard, and their sizes."""

    @abc.abstractmethod
    def write_spec(self, directory: str, splits: Mapping[str, SplitT]) -> SpecT:
        """Writes `dataset.json` into the folder of the shards, and returns what it says."""
