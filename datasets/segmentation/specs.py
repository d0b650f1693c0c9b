"""What a dataset is, read from the `dataset.json` that lies beside its TFRecord shards.

No dataset is registered in source code: whoever reads records reads this description with them.
Folders of records that research/deeplab's converters made have no such file; for its three
datasets the classes are known and the rest is counted from the shards.
"""

import dataclasses
import importlib
import os
from collections.abc import Mapping
from typing import NamedTuple

from datasets.records import dataset_file, shard_names, tfrecords
from datasets.records.build_folder import DATASET_FILE
from datasets.records.dataset_file import DATASETS_ROOT
from datasets.segmentation import record_format

# research/deeplab's name of a dataset -> the module of sources that holds its classes.
PUBLISHED_DATASETS = {"pascal_voc_seg": "voc2012", "cityscapes": "cityscapes", "ade20k": "ade20k"}

_HOW_TO_DESCRIBE = "python -m datasets.describe_tfrecords --tfrecords="

_MAX_CLASSES = 256


class Classes(NamedTuple):
    """What the ids of a dataset's masks mean; see `DatasetSpec`."""

    names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    ignore_label: int


@dataclasses.dataclass(frozen=True)
class SplitSpec:
    """One split of a dataset.

    Attributes:
      pixels_per_class: labeled pixels of each class id; () where nobody has counted them, as for
        records that research/deeplab's converters made.
      examples_per_class: examples in which each class id occurs; () in that case too.
      ignored_pixels: pixels that carry the ignore label; 0 in that case.
      max_height, max_width: size of the largest image in each direction.
      shard_examples, shard_bytes: records and size of each shard; () where that is not known, as in
        descriptions that earlier versions wrote.
      shard_files: name of each shard's file in the folder of the dataset; () for those of
        `tfrecords.shard_path`. Like the two above it is not compared: the same examples may lie
        in other files.
    """

    num_examples: int
    num_shards: int
    pixels_per_class: tuple[int, ...]
    examples_per_class: tuple[int, ...]
    ignored_pixels: int
    max_height: int
    max_width: int
    shard_examples: tuple[int, ...] = dataclasses.field(default=(), compare=False)
    shard_bytes: tuple[int, ...] = dataclasses.field(default=(), compare=False)
    shard_files: tuple[str, ...] = dataclasses.field(default=(), compare=False)


@dataclasses.dataclass(frozen=True)
class DatasetSpec:
    """A segmentation dataset on disk."""

    name: str  # short, for default folders and messages
    directory: str  # of the shards and `dataset.json`; not part of the file
    class_names: tuple[str, ...]  # of each class id
    palette: tuple[tuple[int, int, int], ...]  # RGB, 0..255, of each class id
    ignore_label: int  # never trained on or scored
    has_gradient: bool  # whether the records carry the Laplacian gradient channel
    splits: Mapping[str, SplitSpec]

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    def split(self, name: str) -> SplitSpec:
        """Returns one split; a ValueError names those that there are."""
        return dataset_file.find_split(self.splits, name, self.name, self.directory)

    def shard_paths(self, split: str) -> list[str]:
        """Returns the shards of a split in order; a ValueError names one that is missing."""
        return dataset_file.shard_paths(self.directory, split, self.split(split))


def write_spec(spec: DatasetSpec) -> None:
    """Writes `dataset.json`, whole or not at all, into `spec.directory`."""
    dataset_file.write(spec.directory, dataset_file.SEGMENTATION, spec)


def read_spec(directory: str, dataset: str | None = None) -> DatasetSpec:
    """Reads what the dataset in a folder is.

    Records of research/deeplab's converters come without `dataset.json`: its name of the dataset, a
    key of `PUBLISHED_DATASETS`, tells the classes, and the shards are read once, for the number of
    examples and the size of the largest image.

    Raises:
      ValueError: there is no dataset, or its description or a shard is damaged.
    """
    path = os.path.join(directory, DATASET_FILE)
    if os.path.isfile(path):
        return dataset_file.read(path, dataset_file.SEGMENTATION, DatasetSpec, _check_dataset)
    if not os.path.isdir(directory):
        raise ValueError(dataset_file.describe_missing(directory, dataset_file.SEGMENTATION))
    shards = shard_names.find_ours(directory)
    if not shards:
        raise ValueError(
            f"{directory} holds neither {DATASET_FILE} nor shards like "
            f"{os.path.basename(tfrecords.shard_path('', 'train', 0, 4))}: build the dataset with "
            f"`make tfrecords`, or describe records of another program: {_HOW_TO_DESCRIBE}"
            f"{directory}"
        )
    if dataset is None or dataset not in PUBLISHED_DATASETS:
        raise ValueError(
            f"{directory} holds shards without {DATASET_FILE}: its build did not finish, so build "
            "it again; or, for records made by research/deeplab, give the dataset's name there: "
            f"{', '.join(PUBLISHED_DATASETS)}"
            + (f" (not {dataset!r})" if dataset else "")
            + f"; or, for those of another program, describe them: {_HOW_TO_DESCRIBE}{directory}"
        )
    classes = published_classes(dataset)
    return DatasetSpec(
        name=dataset,
        directory=directory,
        class_names=classes.names,
        palette=classes.palette,
        ignore_label=classes.ignore_label,
        has_gradient=False,
        splits={split: _scan_split(directory, names) for split, names in shards.items()},
    )


def published_classes(dataset: str) -> Classes:
    """Returns the classes of a dataset of research/deeplab, a key of `PUBLISHED_DATASETS`."""
    module = importlib.import_module(f"datasets.segmentation.sources.{PUBLISHED_DATASETS[dataset]}")
    return Classes(module.CLASS_NAMES, module.PALETTE, module.IGNORE_LABEL)


def find_last_dataset(root: str = DATASETS_ROOT) -> str:
    """Returns the folder of the dataset that was built last, of those in a folder."""
    return dataset_file.find_last(root, dataset_file.SEGMENTATION)


def _check_dataset(spec: DatasetSpec) -> None:
    """Raises a ValueError that names the key whose value is impossible: people edit that file."""
    names, palette = spec.class_names, spec.palette
    if not names or len(palette) != len(names):
        raise ValueError(f"{len(names)} class_names and {len(palette)} palette colors")
    dataset_file.check_head(spec.name, names, _MAX_CLASSES, spec.splits)
    for color in palette:
        if not all(0 <= value <= 255 for value in color):
            raise ValueError(f"palette has the color {list(color)}")
    dataset_file.check_range("ignore_label", spec.ignore_label, 0, 255)
    for name, split in spec.splits.items():
        where = f"splits.{name}"
        dataset_file.check_split(split, where)
        counts = ("pixels_per_class", "examples_per_class")
        dataset_file.check_counts(split, where, counts, len(names))


def _scan_split(directory: str, names: list[str]) -> SplitSpec:
    """Counts the examples of shards and finds the largest image; masks are not decoded."""
    num_examples = max_height = max_width = 0
    for path in (os.path.join(directory, name) for name in names):
        for record in tfrecords.read_records(path):
            height, width = record_format.read_size(record, path)
            max_height, max_width = max(max_height, height), max(max_width, width)
            num_examples += 1
    return SplitSpec(num_examples, len(names), (), (), 0, max_height, max_width)
