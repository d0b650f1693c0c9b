"""ROUGE-L: the longest common subsequence of a caption and its references.

C.-Y. Lin, ROUGE: A Package for Automatic Evaluation of Summaries, ACL workshop 2004; with the best
precision and the best recall of all references, and the weights, of pycocoevalcap.
"""

from collections.abc import Sequence

_BETA = 1.2  # How much more recall counts than precision.


def score(candidate: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Scores the caption of one image, from 0 to 1; a set's score is the mean over its images.

    Args:
      candidate: the caption's words.
      references: the words of at least one reference.
    """
    common = [_common_length(candidate, each) for each in references]
    precision = max(common) / len(candidate) if candidate else 0.0
    recall = max(
        shared / len(each) if each else 0.0 for shared, each in zip(common, references, strict=True)
    )
    if not precision or not recall:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Returns the length of the longest common subsequence."""
    lengths = [0] * (len(second) + 1)
    for word in first:
        before = 0  # That of the words so far in both.
        for place, other in enumerate(second, 1):
            longest = before + 1 if word == other else max(lengths[place - 1], lengths[place])
            before, lengths[place] = lengths[place], longest
    return lengths[-1]
