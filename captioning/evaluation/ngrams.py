"""Counts of the n-grams of a caption, which all its metrics but ROUGE-L compare."""

import collections
from collections.abc import Sequence

Ngram = tuple[str, ...]


def count(words: Sequence[str], length: int) -> "collections.Counter[Ngram]":
    """Returns how often each sequence of `length` words occurs in a caption."""
    return collections.Counter(
        tuple(words[start : start + length]) for start in range(len(words) - length + 1)
    )
