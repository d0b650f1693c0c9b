"""How many captions and words a split has."""

from collections.abc import Sequence

from datasets.captioning.specs import CaptioningSplit


class CaptionCounter:
    """Adds up the statistics of a shard."""

    def __init__(self) -> None:
        self._num_examples = self._num_captions = self._num_words = self._longest = 0
        self._max_size = (0, 0)

    def add(self, lengths: Sequence[int], size: tuple[int, int]) -> None:
        """Adds a record with captions of so many words, and an image of (height, width)."""
        self._num_examples += 1
        self._num_captions += len(lengths)
        self._num_words += sum(lengths) - len(lengths)
        self._longest = max(self._longest, *lengths)
        self._max_size = (max(self._max_size[0], size[0]), max(self._max_size[1], size[1]))

    def to_split(self) -> CaptioningSplit:
        """Returns the sums so far, as a split of one shard."""
        return CaptioningSplit(
            num_examples=self._num_examples,
            num_shards=1,
            num_captions=self._num_captions,
            num_words=self._num_words,
            longest=self._longest,
            max_height=self._max_size[0],
            max_width=self._max_size[1],
        )


def add_shards(parts: Sequence[CaptioningSplit], shard_bytes: Sequence[int]) -> CaptioningSplit:
    """Adds up the shards of a split, each given as a split of one shard, and their files' sizes."""
    return CaptioningSplit(
        num_examples=sum(part.num_examples for part in parts),
        num_shards=len(parts),
        num_captions=sum(part.num_captions for part in parts),
        num_words=sum(part.num_words for part in parts),
        longest=max(part.longest for part in parts),
        max_height=max(part.max_height for part in parts),
        max_width=max(part.max_width for part in parts),
        shard_examples=tuple(part.num_examples for part in parts),
        shard_bytes=tuple(shard_bytes),
    )
