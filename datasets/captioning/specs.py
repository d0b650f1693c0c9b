"""What a captioning dataset is, read from the `dataset.json` beside its TFRecord shards."""

import dataclasses
from collections.abc import Mapping

from common.dataset_files import DATASETS_ROOT
from datasets.captioning import tokens, vocabulary
from datasets.captioning.vocabulary import Vocabulary
from datasets.records import dataset_file
from datasets.records.dataset_file import CAPTIONING

# research/im2txt's readers look for train-?????-of-?????.
SHARD_ENDING = ""
_HOW_TO_DESCRIBE = "python -m datasets.describe_tfrecords --task=captioning --tfrecords="


@dataclasses.dataclass(frozen=True)
class CaptioningSplit:
    """One split of a dataset.

    Attributes:
      num_examples: records.
      num_captions: captions of all records.
      num_words: words of all captions, with those that mark their ends but not their starts: what a
        perplexity is the mean of.
      longest: words of the longest caption, with those that mark start and end.
      max_height, max_width: size of the largest image in each direction.
      shard_examples, shard_bytes, shard_files: records, size and name of each shard.
    """

    num_examples: int
    num_shards: int
    num_captions: int
    num_words: int
    longest: int
    max_height: int
    max_width: int
    shard_examples: tuple[int, ...] = dataclasses.field(default=(), compare=False)
    shard_bytes: tuple[int, ...] = dataclasses.field(default=(), compare=False)
    shard_files: tuple[str, ...] = dataclasses.field(default=(), compare=False)


@dataclasses.dataclass(frozen=True)
class CaptioningSpec:
    """A captioning dataset on disk."""

    name: str  # short, for default folders and messages
    directory: str  # of the shards and `dataset.json`; not part of the file
    splitting: str  # how captions became words, one of `tokens.SPLITTINGS`
    words: tuple[str, ...]  # of each id
    splits: Mapping[str, CaptioningSplit]

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary(self.words, self.splitting)

    def split(self, name: str) -> CaptioningSplit:
        """Returns one split; a ValueError names those that there are."""
        return dataset_file.find_split(self.splits, name, self.name, self.directory)

    def shard_paths(self, split: str) -> list[str]:
        """Returns the shards of a split in order; a ValueError names one that is missing."""
        return dataset_file.shard_paths(self.directory, split, self.split(split), SHARD_ENDING)


def write_spec(spec: CaptioningSpec) -> None:
    """Writes `dataset.json`, whole or not at all, into `spec.directory`."""
    dataset_file.write(spec.directory, CAPTIONING, spec)


def read_spec(directory: str) -> CaptioningSpec:
    """Reads what the dataset in a folder is.

    Raises:
      ValueError: there is no dataset, it is one of another task, or its description is damaged.
    """
    alternative = f"; or describe records of another program: {_HOW_TO_DESCRIBE}{directory}"
    return dataset_file.read_folder(directory, CAPTIONING, CaptioningSpec, _check, alternative)


def find_last_dataset(root: str = DATASETS_ROOT) -> str:
    """Returns the folder of the captioning dataset built last, of those in a folder."""
    return dataset_file.find_last(root, CAPTIONING)


def _check(spec: CaptioningSpec) -> None:
    """Raises a ValueError that names the key whose value is impossible: people edit that file."""
    dataset_file.check_head(spec.name, spec.words, vocabulary.MAX_WORDS, spec.splits)
    if spec.splitting not in tokens.SPLITTINGS:
        raise ValueError(
            f"splitting is {spec.splitting!r}; expected one of {', '.join(tokens.SPLITTINGS)}"
        )
    Vocabulary(spec.words, spec.splitting)
    for name, split in spec.splits.items():
        dataset_file.check_split(split, f"splits.{name}")
