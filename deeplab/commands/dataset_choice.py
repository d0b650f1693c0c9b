"""Which dataset a command reads, as its flags say."""

import os

from datasets.segmentation import specs
from datasets.segmentation.specs import DatasetSpec
from deeplab.commands.shared_options import DatasetOptions


def read_dataset(options: DatasetOptions, trained_on: str | None = None) -> DatasetSpec:
    """Reads the dataset in the folder that is given, of the name that is given, or built last.

    Args:
      trained_on: name of the dataset of a training run, which comes before the one built last if it
        lies where builds put it.

    Raises:
      ValueError: there is no such dataset, or it is damaged.
    """
    directory = options.dataset_dir
    name = options.dataset or trained_on
    if directory is None and name:
        directory = os.path.join(specs.DATASETS_ROOT, name)
        if options.dataset is None and not os.path.isdir(directory):
            directory = None
    return specs.read_spec(directory or specs.find_last_dataset(), options.dataset)
