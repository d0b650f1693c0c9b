"""How often each class occurs in a split."""

from collections.abc import Sequence

import numpy as np

from datasets.classification.specs import ClassificationSplit


class LabelCounter:
    """Adds up the statistics of a split."""

    def __init__(self, num_classes: int) -> None:
        self._examples = np.zeros(num_classes, np.int64)
        self._max_size = (0, 0)

    def add(self, label: int, size: tuple[int, int], count: int = 1) -> None:
        """Adds examples of a class, the largest of which is an image of (height, width)."""
        self._examples[label] += count
        self._max_size = (max(self._max_size[0], size[0]), max(self._max_size[1], size[1]))

    def to_split(self) -> ClassificationSplit:
        """Returns the sums so far, as a split of one shard."""
        return ClassificationSplit(
            num_examples=int(self._examples.sum()),
            num_shards=1,
            examples_per_class=tuple(self._examples.tolist()),
            max_height=self._max_size[0],
            max_width=self._max_size[1],
        )


def add_shards(
    parts: Sequence[ClassificationSplit], shard_bytes: Sequence[int]
) -> ClassificationSplit:
    """Adds up the shards of a split, each given as a split of one shard, and their files' sizes."""
    return ClassificationSplit(
        num_examples=sum(part.num_examples for part in parts),
        num_shards=len(parts),
        examples_per_class=tuple(
            map(sum, zip(*(part.examples_per_class for part in parts), strict=True))
        ),
        max_height=max(part.max_height for part in parts),
        max_width=max(part.max_width for part in parts),
        shard_examples=tuple(part.num_examples for part in parts),
        shard_bytes=tuple(shard_bytes),
    )
