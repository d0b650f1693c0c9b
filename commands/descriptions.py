"""What the commands that describe records of other programs share."""

import os
import sys
from collections.abc import Container

from common.dataset_files import DATASET_FILE


def find_folder(directory: str | None, overwrite: bool) -> tuple[str, str]:
    """Returns the folder of the shards and the description to write into it.

    Args:
      directory: the flag `tfrecords`.
      overwrite: whether a description may be there.

    Raises:
      ValueError: the flag is missing or names no folder, or a description may not be replaced.
    """
    if directory is None:
        raise ValueError("--tfrecords is missing: give the folder of the shards.")
    if not os.path.isdir(directory):
        raise ValueError(f"--tfrecords={directory} is not a folder.")
    path = os.path.join(directory, DATASET_FILE)
    if os.path.exists(path) and not overwrite:
        raise ValueError(f"{path} exists already; --overwrite replaces it.")
    return directory, path


def name_of(directory: str) -> str:
    """Returns the name of a dataset that is not given: that of its folder."""
    return os.path.basename(os.path.abspath(directory))


def warn_of_missing_splits(splits: Container[str]) -> None:
    """Says which flags name a split where the usual ones are missing."""
    for name, flag in (("train", "train.py --train_split"), ("val", "eval.py --eval_split")):
        if name not in splits:
            print(f"There is no split {name!r}: name another with {flag}.", file=sys.stderr)
