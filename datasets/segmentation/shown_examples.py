"""Chooses a few examples of a dataset for people to look at, so that each class is in one."""

from collections.abc import Mapping, Sequence

import numpy as np

from datasets.segmentation.sources.source import Sample

# Of each split.
_MIN_EXAMPLES, _MAX_EXAMPLES = 4, 24


class ExampleChoice:
    """Chooses while all examples pass by; of each split it keeps one for each class.

    Args:
      splits: samples of each split.
      num_classes: ids from there on are no classes.
    """

    def __init__(self, splits: Mapping[str, Sequence[Sample]], num_classes: int) -> None:
        self._num_classes = num_classes
        # Of each split and class the example with the largest share of it.
        self._largest: dict[tuple[str, int], tuple[float, Sample]] = {}
        self._classes: dict[tuple[str, str], frozenset[int]] = {}
        # Neighbors in a list are often frames of one video, so these lie apart.
        self._spread = {
            (split, samples[number * len(samples) // count].name)
            for split, samples in splits.items()
            for count in [min(_MIN_EXAMPLES, len(samples))]
            for number in range(count)
        }
        self._others: dict[str, list[Sample]] = {split: [] for split in splits}

    def add(self, split: str, sample: Sample, histogram: np.ndarray) -> None:
        """Takes an example with so many pixels, int [256], of each id."""
        shares = histogram[: self._num_classes] / max(1, histogram.sum())
        present = np.flatnonzero(shares).tolist()
        is_kept = (split, sample.name) in self._spread
        if is_kept:
            self._others[split].append(sample)
        for class_id in present:
            key = split, class_id
            if key not in self._largest or shares[class_id] > self._largest[key][0]:
                self._largest[key] = float(shares[class_id]), sample
                is_kept = True
        if is_kept:
            self._classes[split, sample.name] = frozenset(present)

    def choose(self) -> dict[str, list[Sample]]:
        """Returns the chosen examples of each split, sorted by name.

        Those come first that show most classes which none before them shows, in this split or an
        earlier one.
        """
        seen: set[int] = set()
        return {split: self._choose(split, seen) for split in self._others}

    def _choose(self, split: str, seen: set[int]) -> list[Sample]:
        largest = [sample for (each, _), (_, sample) in self._largest.items() if each == split]
        left = {sample.name: sample for sample in (*self._others[split], *largest)}
        chosen: list[Sample] = []
        while left and len(chosen) < _MAX_EXAMPLES:
            # Of equals the first, and those that lie apart are first.
            name = max(left, key=lambda name: len(self._classes[split, name] - seen))
            if not self._classes[split, name] - seen and len(chosen) >= _MIN_EXAMPLES:
                break
            seen |= self._classes[split, name]
            chosen.append(left.pop(name))
        return sorted(chosen, key=lambda sample: sample.name)
