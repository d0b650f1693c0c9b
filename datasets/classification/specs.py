"""What a classification dataset is, read from the `dataset.json` beside its TFRecord shards."""

import dataclasses
from collections.abc import Mapping

from common.dataset_files import DATASETS_ROOT
from datasets.records import dataset_file
from datasets.records.dataset_file import CLASSIFICATION

MAX_CLASSES = 100_000
_HOW_TO_DESCRIBE = "python -m datasets.describe_tfrecords --task=classification --tfrecords="


@dataclasses.dataclass(frozen=True)
class ClassificationSplit:
    """One split of a dataset.

    Attributes:
      examples_per_class: examples of each class id.
      max_height, max_width: size of the largest image in each direction.
      shard_examples, shard_bytes: records and size of each shard; () where that is not known.
      shard_files: name of each shard's file in the folder of the dataset; () for those of
        `tfrecords.shard_path`. Like the two above it is not compared: the same examples may lie
        in other files.
    """

    num_examples: int
    num_shards: int
    examples_per_class: tuple[int, ...]
    max_height: int
    max_width: int
    shard_examples: tuple[int, ...] = dataclasses.field(default=(), compare=False)
    shard_bytes: tuple[int, ...] = dataclasses.field(default=(), compare=False)
    shard_files: tuple[str, ...] = dataclasses.field(default=(), compare=False)


@dataclasses.dataclass(frozen=True)
class ClassificationSpec:
    """A classification dataset on disk."""

    name: str  # short, for default folders and messages
    directory: str  # of the shards and `dataset.json`; not part of the file
    class_names: tuple[str, ...]  # of each class id
    splits: Mapping[str, ClassificationSplit]

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    def split(self, name: str) -> ClassificationSplit:
        """Returns one split; a ValueError names those that there are."""
        return dataset_file.find_split(self.splits, name, self.name, self.directory)

    def shard_paths(self, split: str) -> list[str]:
        """Returns the shards of a split in order; a ValueError names one that is missing."""
        return dataset_file.shard_paths(self.directory, split, self.split(split))


def write_spec(spec: ClassificationSpec) -> None:
    """Writes `dataset.json`, whole or not at all, into `spec.directory`."""
    dataset_file.write(spec.directory, CLASSIFICATION, spec)


def read_spec(directory: str) -> ClassificationSpec:
    """Reads what the dataset in a folder is.

    Raises:
      ValueError: there is no dataset, it is one of another task, or its description is damaged.
    """
    alternative = f"; or describe records of another program: {_HOW_TO_DESCRIBE}{directory}"
    return dataset_file.read_folder(
        directory, CLASSIFICATION, ClassificationSpec, _check, alternative
    )


def find_last_dataset(root: str = DATASETS_ROOT) -> str:
    """Returns the folder of the classification dataset built last, of those in a folder."""
    return dataset_file.find_last(root, CLASSIFICATION)


def _check(spec: ClassificationSpec) -> None:
    """Raises a ValueError that names the key whose value is impossible: people edit that file."""
    names = spec.class_names
    dataset_file.check_head(spec.name, names, MAX_CLASSES, spec.splits)
    if not names:
        raise ValueError("class_names is empty")
    for name, split in spec.splits.items():
        where = f"splits.{name}"
        dataset_file.check_split(split, where)
        dataset_file.check_counts(split, where, ("examples_per_class",), len(names))
        counted = sum(split.examples_per_class)
        if split.examples_per_class and counted != split.num_examples:
            raise ValueError(
                f"{where}.examples_per_class adds up to {counted}, not to num_examples, "
                f"{split.num_examples}"
            )
