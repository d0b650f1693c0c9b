"""CIDEr-D: agreement with the references, in which rare n-grams count more.

R. Vedantam et al., CIDEr: Consensus-based Image Description Evaluation, CVPR 2015. How rare an
n-gram is, the references of the scored images say: scores of different sets cannot be compared.
"""

import collections
import math
from collections.abc import Iterable, Sequence

from captioning.evaluation import ngrams
from captioning.evaluation.ngrams import Ngram

_MAX_LENGTH = 4
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
        self._num_images = collections.Counter(
            ngram
            for captions in references
            for ngram in {each for words in captions for each in _all_ngrams(words)}
        )
        self._log_total = math.log(len(references))
        self._references = [[self._weigh(words) for words in captions] for captions in references]

    def score(self, candidates: Captions) -> list[float]:
        """Returns the score of each image, from 0 to 10; a set's score is their mean.

        Args:
          candidates: the words of one caption for each image.
        """
        return [
            _similarity(self._weigh(words), references)
            for words, references in zip(candidates, self._references, strict=True)
        ]

    def _weigh(self, words: Sequence[str]) -> "_Weighted":
        """Returns the n-grams of a caption with how often, and how rarely in others, they occur."""
        by_length: list[dict[Ngram, float]] = []
        for length in range(1, _MAX_LENGTH + 1):
            by_length.append(
                {
                    ngram: number * (self._log_total - math.log(max(1, self._num_images[ngram])))
                    for ngram, number in ngrams.count(words, length).items()
                }
            )
        return _Weighted(by_length, max(0, len(words) - 1))


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


def _all_ngrams(words: Sequence[str]) -> Iterable[Ngram]:
    for length in range(1, _MAX_LENGTH + 1):
        yield from ngrams.count(words, length)


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
