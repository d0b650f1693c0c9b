"""Which dataset a command reads, as its flags say."""

import os
from collections.abc import Callable

from commands.shared_options import DatasetOptions
from common.dataset_files import DATASETS_ROOT


def find_directory(
    options: DatasetOptions, find_last: Callable[[], str], trained_on: str | None = None
) -> str:
    """Returns the folder that is given, that of the name that is given, or the one built last.

    Args:
      options: of the command.
      find_last: returns the folder of the task's dataset that was built last, or raises ValueError.
      trained_on: name of the dataset of a training run, which comes before the one built last if it
        lies where builds put it.
    """
    if options.dataset_dir is not None:
        return options.dataset_dir
    if options.dataset:
        return os.path.join(DATASETS_ROOT, options.dataset)
    if trained_on:
        directory = os.path.join(DATASETS_ROOT, trained_on)
        if os.path.isdir(directory):
            return directory
    return find_last()
