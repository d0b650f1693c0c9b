"""Opens the splits of a dataset that have masks."""

from collections.abc import Callable, Mapping

from datasets.segmentation.sources.listing import NoMasksError
from datasets.segmentation.sources.pairing import Pairs
from datasets.segmentation.sources.source import WARNING, Problem, Sample

_TRAIN = "train"


def open_splits(
    openers: Mapping[str, Callable[[], Pairs]],
) -> tuple[dict[str, tuple[Sample, ...]], tuple[Problem, ...]]:
    """Opens the splits that have masks; the others are left out, and a warning says so.

    Args:
      openers: for each split a function that returns its samples and problems, or raises
        `NoMasksError`.

    Raises:
      NoMasksError: no split has masks, or `train` has none.
      ValueError: what the functions raise.
    """
    splits, problems, unlabelled = {}, [], {}
    for split, open_split in openers.items():
        try:
            splits[split], found = open_split()
        except NoMasksError as error:
            unlabelled[split] = error
        else:
            problems += found
    for split, error in unlabelled.items():
        if split == _TRAIN or not splits:
            raise error
        problems.append(describe_unlabelled(split, error))
    return splits, tuple(problems)


def describe_unlabelled(split: str, error: NoMasksError) -> Problem:
    """Returns the warning that a split without masks is left out."""
    message = f"{error.reason} Split {split!r} has no masks and is left out."
    return Problem(WARNING, "split", message, error.path)
