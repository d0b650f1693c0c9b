"""Which dataset a command reads, as its flags say."""

import os
from collections.abc import Callable

from commands.shared_options import DatasetOptions
from common.dataset_files import DATASETS_ROOT
from common.dataset_origin import Trained


def find_directory(
    options: DatasetOptions, find_last: Callable[[], str], trained: Trained | None = None
) -> str:
    """Returns the folder that is given, that of the name that is given, or the one built last.

    Args:
      options: of the command.
      find_last: returns the folder of the task's dataset that was built last, or raises ValueError.
      trained: a training run, whose dataset comes before the one built last if it is still where
        it was, or lies where builds put it.
    """
    if options.dataset_dir is not None:
        return options.dataset_dir
    if options.dataset:
        return os.path.join(DATASETS_ROOT, options.dataset)
    if trained is not None and trained.dataset_name:
        directory = trained_directory(trained)
        if os.path.isdir(directory):
            return directory
    return find_last()


def trained_directory(trained: Trained) -> str:
    """Returns where the records of a training run are, unless they are gone."""
    built = os.path.join(DATASETS_ROOT, trained.dataset_name)
    return trained.dataset_origin.find_records() or built
