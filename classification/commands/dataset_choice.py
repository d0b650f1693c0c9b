"""Which dataset a command of classification reads, as its flags say."""

from commands import dataset_choice
from commands.shared_options import DatasetOptions
from common.dataset_origin import Trained
from common.texts import first_few
from datasets.classification import specs
from datasets.classification.specs import ClassificationSpec


def read_dataset(options: DatasetOptions, trained: Trained | None = None) -> ClassificationSpec:
    """Reads the dataset of `commands.dataset_choice.find_directory`.

    Raises:
      ValueError: there is no such dataset, or it is damaged.
    """
    return specs.read_spec(dataset_choice.find_directory(options, specs.find_last_dataset, trained))


def check_labels_offset(spec: ClassificationSpec, split: str, labels_offset: int) -> None:
    """Refuses (ValueError) a split with images of the classes that the network does not have.

    Where dataset.json does not count the images of each class, the first such image ends the run.
    """
    counts = spec.split(split).examples_per_class[:labels_offset] if split in spec.splits else ()
    if any(counts):
        names = [name for name, count in zip(spec.class_names, counts, strict=False) if count]
        raise ValueError(
            f"labels_offset is {labels_offset}, which leaves out the classes "
            f"{first_few(spec.class_names[:labels_offset])} of dataset {spec.name}, but "
            f"{sum(counts)} images of its split {split} are of {first_few(names)}: give another "
            "--labels_offset, or build the dataset without them."
        )
