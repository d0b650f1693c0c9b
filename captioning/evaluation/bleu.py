"""BLEU: which share of a caption's n-grams its references have, too.

K. Papineni et al., BLEU: a Method for Automatic Evaluation of Machine Translation, ACL 2002; with
the smoothing and the choice of the reference's length of pycocoevalcap, whose figures papers give.
"""

import math
from collections.abc import Sequence

from captioning.evaluation import ngrams

MAX_LENGTH = 4
# A candidate without an n-gram in common scores almost 0 and not 0.
_TINY, _SMALL = 1e-15, 1e-9


def score(
    candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]
) -> list[float]:
    """Scores the captions of a set of images together.

    Args:
      candidates: the words of one caption for each image, of at least one.
      references: for each image the words of its references, of at least one.

    Returns:
      BLEU-1 to BLEU-4, from 0 to 1.
    """
    num_equal, num_ngrams = [0] * MAX_LENGTH, [0] * MAX_LENGTH
    num_words = num_expected = 0
    for candidate, others in zip(candidates, references, strict=True):
        num_words += len(candidate)
        num_expected += min((abs(len(each) - len(candidate)), len(each)) for each in others)[1]
        for length in range(1, MAX_LENGTH + 1):
            allowed = ngrams.count(others[0], length)
            for each in others[1:]:
                allowed |= ngrams.count(each, length)  # The larger of both counts.
            found = ngrams.count(candidate, length)
            num_equal[length - 1] += (found & allowed).total()
            num_ngrams[length - 1] += found.total()
    ratio = (num_words + _TINY) / (num_expected + _SMALL)
    penalty = math.exp(1 - 1 / ratio) if ratio < 1 else 1.0
    scores, product = [], 1.0
    for length, (equal, all_of_them) in enumerate(zip(num_equal, num_ngrams, strict=True), 1):
        product *= (equal + _TINY) / (all_of_them + _SMALL)
        scores.append(product ** (1 / length) * penalty)
    return scores
