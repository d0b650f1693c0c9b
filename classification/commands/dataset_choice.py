"""Which dataset a command of classification reads, as its flags say."""

from commands import dataset_choice
from commands.shared_options import DatasetOptions
from datasets.classification import specs
from datasets.classification.specs import ClassificationSpec


def read_dataset(options: DatasetOptions, trained_on: str | None = None) -> ClassificationSpec:
    """Reads the dataset of `commands.dataset_choice.find_directory`.

    Raises:
      ValueError: there is no such dataset, or it is damaged.
    """
    return specs.read_spec(
        dataset_choice.find_directory(options, specs.find_last_dataset, trained_on)
    )
