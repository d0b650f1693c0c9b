"""What captions earn that a network draws in self-critical training: CIDEr-D, batch by batch.

S. Rennie et al., "Self-critical Sequence Training for Image Captioning", arXiv 1612.00563. How rare
n-grams are, the references of the whole training split say. Words are compared as the scores
compare them (`caption_scores`), so that `<UNK>`, which no reference has, earns nothing. As in the
authors' code, the end of a caption counts as a word: without it, captions that break off ("a dog in
a") earn more than whole ones.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from captioning.evaluation import cider
from captioning.evaluation.caption_scores import compared_words
from captioning.evaluation.cider import Rarity
from datasets.captioning import record_format
from datasets.captioning.specs import CaptioningSpec
from datasets.captioning.vocabulary import END, Vocabulary
from datasets.records import tfrecords

_Words = tuple[str, ...]


class CaptionRewards:
    """Scores captions of the images of a split.

    Args:
      references: by the number of an image, the words of its captions, with or without marks.
      vocabulary: whose ids captions come in.
    """

    def __init__(self, references: Mapping[int, Sequence[Sequence[str]]], vocabulary: Vocabulary):
        self._vocabulary = vocabulary
        self._references = {
            image: [_earning(words, is_whole=True) for words in captions]
            for image, captions in references.items()
        }
        self._rarity = Rarity(list(self._references.values()))

    def score(self, image_ids: np.ndarray, captions: np.ndarray) -> np.ndarray:
        """Scores several captions of each image.

        Args:
          image_ids: numbers of the images, [images].
          captions: ids of words, [images, captions, length]; those after an end do not count.

        Returns:
          float32 [images, captions], 0 to 10.
        """
        scores = np.empty(captions.shape[:2], np.float32)
        for row, image in enumerate(image_ids):
            references = [self._rarity.weigh(each) for each in self._references[int(image)]]
            for place, ids in enumerate(captions[row]):
                candidate = self._rarity.weigh(self._words(ids))
                scores[row, place] = cider.similarity(candidate, references)
        return scores

    def _words(self, ids: np.ndarray) -> _Words:
        ends = np.flatnonzero(ids == self._vocabulary.end)
        words = (self._vocabulary.words[each] for each in ids[: ends[0] if len(ends) else None])
        return _earning(words, is_whole=len(ends) > 0)


def read_rewards(spec: CaptioningSpec, split: str) -> CaptionRewards:
    """Reads the references of a split, all of it.

    Raises:
      OSError, ValueError: a shard cannot be read; names it.
    """
    references: dict[int, list[_Words]] = {}
    for image, captions in _read_captions(spec.shard_paths(split)):
        # With a record for each caption an image comes several times.
        references.setdefault(image, []).extend(captions)
    return CaptionRewards(references, spec.vocabulary)


def _read_captions(shards: Iterable[str]) -> Iterator[tuple[int, list[_Words]]]:
    for shard in shards:
        for record in tfrecords.read_records(shard):
            image, captions = record_format.read_captions(record)
            # The words of many captions are few: each is kept once.
            yield image, [tuple(map(sys.intern, words)) for words, _ in captions]


def _earning(words: Iterable[str], is_whole: bool) -> _Words:
    """Returns the words that earn something, and the end where there is one."""
    return (*compared_words(words), *([END] if is_whole else []))
