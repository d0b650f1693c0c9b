"""CIDEr-D: agreement with the references, in which rare n-grams count more.

R. Vedantam et al., CIDEr: Consensus-based Image Description Evaluation, CVPR 2015. How rare an
n-gram is, the references of the scored images say: scores of different sets cannot be compared.
"""

import collections
import math
from collections.abc import Sequence

from captioning.evaluation import ngrams
from captioning.evaluation.ngrams import Ngram

_MAX_LENGTH = 4
_SCALE = 10.0
# Standard deviation of the penalty for captions of another length than the reference's.
_SIGMA = 6.0

Captions = Sequence[Sequence[str]]
_Counts = list[collections.Counter[Ngram]]


class Cider:
    """Scores captions against the references of a fixed set of images."""

    def __init__(self, references: Sequence[Captions]):
        """Counts in how many images each n-gram occurs.

        Args:
          references: for each image the words of its references, of at least one.
        """
        counted = [[_count(words) for words in captions] for captions in references]
        self._num_images = collections.Counter(
            ngram
            for captions in counted
            for ngram in {each for counts in captions for of_length in counts for each in of_length}
        )
        self._log_total = math.log(len(references))
        self._references = [[self._weigh(counts) for counts in captions] for captions in counted]

    def score(self, candidates: Captions) -> list[float]:
        """Returns the score of each image, from 0 to 10; a set's score is their mean.

        Args:
          candidates: the words of one caption for each image.
        """
        return [
            _similarity(self._weigh(_count(words)), references)
            for words, references in zip(candidates, self._references, strict=True)
        ]

    def _weigh(self, counts: _Counts) -> "_Weighted":
        """Returns the n-grams of a caption with how often, and how rarely in others, they occur."""
        by_length = [
            {
                ngram: number * (self._log_total - math.log(max(1, self._num_images[ngram])))
                for ngram, number in of_length.items()
            }
            for of_length in counts
        ]
        return _Weighted(by_length, counts[1].total())


class _Weighted:
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


def _count(words: Sequence[str]) -> _Counts:
    """Returns how often the n-grams of a caption occur: those of one word, of two, and so on."""
    return [ngrams.count(words, length) for length in range(1, _MAX_LENGTH + 1)]


def _similarity(candidate: _Weighted, references: Sequence[_Weighted]) -> float:
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
    return _SCALE * total / (_MAX_LENGTH * len(references))
