"""Which dataset and split a command of captioning reads, as its flags say."""

import fnmatch
import os

from commands import dataset_choice
from commands.flags import Flags
from commands.shared_options import DatasetOptions
from common.dataset_origin import Trained
from common.texts import printable
from datasets.captioning import specs
from datasets.captioning.specs import CaptioningSpec

_PATTERN_FLAG = "input_file_pattern"


def read_dataset(flags: Flags, trained: Trained | None = None) -> CaptioningSpec:
    """Reads the dataset of `input_file_pattern`, or of `commands.dataset_choice.find_directory`.

    Raises:
      ValueError: there is no such dataset, or it is damaged.
    """
    directory = _pattern_folder(flags) or dataset_choice.find_directory(
        flags.options(DatasetOptions), specs.find_last_dataset, trained
    )
    return specs.read_spec(directory)


def find_split(flags: Flags, split_flag: str) -> str:
    """Returns the split that `input_file_pattern` names, or else a flag.

    Args:
      flags: of the command.
      split_flag: name of the flag of the split.

    Raises:
      ValueError: the pattern does not match the shards of a split, all of them and no others, or a
        flag beside it says the same.
    """
    pattern = flags.value(_PATTERN_FLAG)
    if pattern is None:
        return str(flags.value(split_flag))
    for other in ("dataset_dir", "dataset", split_flag):
        if flags.is_given(other):
            raise ValueError(f"--{_PATTERN_FLAG} says what --{other} says; give one.")
    spec = read_dataset(flags)
    found: dict[str, int] = {}
    for split in spec.splits:
        names = {os.path.basename(path) for path in spec.shard_paths(split)}
        matched = {name for each in pattern.split(",") for name in _matching(names, each)}
        if matched == names:
            found[split] = len(names)
        elif matched:
            raise ValueError(
                f"--{_PATTERN_FLAG}={printable(pattern)} matches {len(matched)} of the "
                f"{len(names)} shards of split {split!r}; give --dataset_dir={spec.directory} "
                f"--{split_flag}={split}, which reads them all."
            )
    if len(found) != 1:
        what = f"the splits {' and '.join(found)}" if found else "no shards"
        raise ValueError(
            f"--{_PATTERN_FLAG}={printable(pattern)} matches {what} of the dataset in "
            f"{spec.directory}, which has the splits {', '.join(spec.splits)}; give --dataset_dir="
            f"{spec.directory} and --{split_flag}."
        )
    return next(iter(found))


def _pattern_folder(flags: Flags) -> str | None:
    """Returns the folder of `input_file_pattern`; None without that flag."""
    pattern = flags.value(_PATTERN_FLAG)
    if pattern is None:
        return None
    if os.path.isdir(pattern):
        raise ValueError(
            f"--{_PATTERN_FLAG}={printable(pattern)} is a folder; expected the names of shards, as "
            f"{printable(os.path.join(pattern, 'train-?????-of-00256'))}, or give --dataset_dir."
        )
    folders = {os.path.dirname(each) for each in pattern.split(",")}
    if len(folders) > 1:
        raise ValueError(
            f"--{_PATTERN_FLAG}={printable(pattern)} names {len(folders)} folders; expected one, "
            "with its dataset.json."
        )
    return folders.pop() or "."


def _matching(names: set[str], pattern: str) -> list[str]:
    return fnmatch.filter(names, os.path.basename(pattern))
