"""Where a dataset lies, and whether it is the one of a training run."""

from collections.abc import Mapping
from typing import Any, Protocol

from common import dataset_files
from common.dataset_origin import DatasetOrigin, Trained
from datasets.records import build_folder


class PlacedDataset(Protocol):
    """A dataset on disk, whatever the task; its splits have `num_examples`."""

    @property
    def name(self) -> str: ...

    @property
    def directory(self) -> str: ...

    @property
    def splits(self) -> Mapping[str, Any]: ...


def origin_of(spec: PlacedDataset, split: str) -> DatasetOrigin:
    """Returns where a dataset lies, of which one split is trained on."""
    return DatasetOrigin(
        dataset_files.absolute(spec.directory),
        build_folder.recall_data_dir(spec.directory),
        spec.splits[split].num_examples if split in spec.splits else 0,
    )


def describe_other(spec: PlacedDataset, split: str, trained: Trained) -> str | None:
    """Names the dataset of a training run if it is known to be another one; None otherwise."""
    former = trained.dataset_origin
    if trained.dataset_name == spec.name and not origin_of(spec, split).is_other_than(former):
        return None
    return f"the dataset {trained.dataset_name!r}" + (f" of {former.place}" if former.place else "")
