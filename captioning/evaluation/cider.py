"""CIDEr-D: agreement with the references, in which rare n-grams count more.

R. Vedantam et al., CIDEr: Consensus-based Image Description Evaluation, CVPR 2015. How rare an
n-gram is, the references of the scored images say: scores of different sets cannot be compared.
"""

import collections
import math
from collections.abc import Sequence

from captioning.evaluation import ngrams
from captioning.evaluation.ngrams import Ngram

_LENGTHS = range(1, 5)  # of n-grams
_SCALE = 10.0
# Standard deviation of the penalty for captions of another length than the reference's.
_SIGMA = 6.0

Captions = Sequence[Sequence[str]]


class Cider:
    """Scores captions against the references of a fixed set of images."""

    def __init__(self, references: Sequence[Captions]):
        """Counts in how many images each n-gram occurs.

        Args:
          references: for each image the words of its references, of at least one.
        """
        self._rarity = Rarity(references)
        self._references = [[self._rarity.weigh(words) for words in each] for each in references]

    def score(self, candidates: Captions) -> list[float]:
        """Returns the score of each image, from 0 to 10; a set's score is their mean.

        Args:
          candidates: the words of one caption for each image.
        """
        return [
            similarity(self._rarity.weigh(words), references)
            for words, references in zip(candidates, self._references, strict=True)
        ]


class Rarity:
    """How rare n-grams are among the references of a set of images; arguments as of `Cider`."""

    def __init__(self, references: Sequence[Captions]):
        self._num_images: dict[Ngram, int] = {}
        for length in _LENGTHS:
            found = collections.Counter(
                ngram
                for captions in references
                for ngram in {each for words in captions for each in ngrams.count(words, length)}
            )
            # Those of one image, which most are, weigh as much as those of none.
            self._num_images.update((ngram, count) for ngram, count in found.items() if count > 1)
        self._log_total = math.log(len(references))

    def weigh(self, words: Sequence[str]) -> "Weighted":
        """Returns the n-grams of a caption with how often, and how rarely in others, they occur."""
        by_length = [
            {
                ngram: number * (self._log_total - math.log(self._num_images.get(ngram, 1)))
                for ngram, number in ngrams.count(words, length).items()
            }
            for length in _LENGTHS
        ]
        return Weighted(by_length, max(0, len(words) - 1))


class Weighted:
    """A caption as CIDEr sees it.

    Attributes:
      by_length: weights of the n-grams of one word, of two, and so on.
      norms: of those weights.
      length: number of pairs of words, by which pycocoevalcap measures captions.
    """

    def __init__(self, by_length: list[dict[Ngram, float]], length: int):
        self.by_length = by_length
        self.norms = [
            math.sqrt(sum(weight * weight for weight in weights.values())) for weights in by_length
        ]
        self.length = length


def similarity(candidate: Weighted, references: Sequence[Weighted]) -> float:
    """Returns how much a caption is like the references of its image, from 0 to 10."""
    total = 0.0
    for reference in references:
        penalty = math.exp(-((candidate.length - reference.length) ** 2) / (2 * _SIGMA**2))
        for found, wanted, *norms in zip(
            candidate.by_length, reference.by_length, candidate.norms, reference.norms, strict=True
        ):
            if all(norms):
                # More of an n-gram than the reference has earns nothing.
                common = sum(
                    min(weight, wanted.get(ngram, 0.0)) * wanted.get(ngram, 0.0)
                    for ngram, weight in found.items()
                )
                total += penalty * common / math.prod(norms)
    return _SCALE * total / (len(_LENGTHS) * len(references))
