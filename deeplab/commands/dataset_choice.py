"""Which dataset a command of segmentation reads, as its flags say."""

from commands import dataset_choice
from commands.shared_options import DatasetOptions
from common.dataset_origin import Trained
from datasets.segmentation import specs
from datasets.segmentation.specs import DatasetSpec


def read_dataset(options: DatasetOptions, trained: Trained | None = None) -> DatasetSpec:
    """Reads the dataset of `commands.dataset_choice.find_directory`.

    Raises:
      ValueError: there is no such dataset, or it is damaged.
    """
    directory = dataset_choice.find_directory(options, specs.find_last_dataset, trained)
    return specs.read_spec(directory, options.dataset)
