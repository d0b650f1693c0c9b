"""research/im2txt's search for captions (`inference_utils/caption_generator.py`), in Python.

Images come one after the other, and a network is asked for one word after the other. There a list
of all words is sorted to find the likeliest, here NumPy sorts them, which is faster.
"""

import heapq
import math
from typing import NamedTuple, Protocol

import numpy as np

from captioning.options import SearchOptions

_MIN_PROBABILITY = 1e-12


class Asked(Protocol):
    """A network that says which words may follow."""

    def start(self, image: np.ndarray) -> np.ndarray:
        """Looks at an image, uint8 [height, width, 3]; returns the state [1, numbers] after it."""

    def step(self, words: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Reads the last word of each caption.

        Args:
          words: int64 [captions].
          states: [captions, numbers].

        Returns:
          (probabilities of the next word, float [captions, words]; states [captions, numbers]).
        """


class Caption(NamedTuple):
    """A caption.

    Attributes:
      words: with those that mark start and end.
      log_probability: of the whole caption.
      score: the same with `length_normalization`; what captions are sorted by.
      state: the network's, after the words but the last.
    """

    words: tuple[int, ...]
    log_probability: float
    score: float
    state: np.ndarray


class _Best:
    """The best captions of those that were pushed; of equal ones, the first."""

    def __init__(self, count: int):
        self._count = count
        self._pushed = 0
        self._heap: list[tuple[float, int, Caption]] = []

    def push(self, caption: Caption) -> None:
        self._pushed += 1
        item = (caption.score, -self._pushed, caption)
        if len(self._heap) < self._count:
            heapq.heappush(self._heap, item)
        else:
            heapq.heappushpop(self._heap, item)

    def sorted(self) -> list[Caption]:
        """Returns them, the best first."""
        return [caption for *_, caption in sorted(self._heap, reverse=True)]


def search(
    asked: Asked, image: np.ndarray, start: int, end: int, options: SearchOptions
) -> list[Caption]:
    """Searches for the likeliest captions of an image.

    Args:
      asked: the network.
      image: uint8 [height, width, 3].
      start, end: ids of the words that mark the start and the end.
      options: how; there are neither trigrams nor words to keep out.

    Returns:
      At most `beam_size` captions, the best first.
    """
    writing = [Caption((start,), 0.0, 0.0, asked.start(image)[0])]
    finished = _Best(options.beam_size)
    for _ in range(options.max_length - 1):
        others = _Best(options.beam_size)
        last = np.array([caption.words[-1] for caption in writing], np.int64)
        answers = asked.step(last, np.stack([caption.state for caption in writing]))
        for caption, probabilities, state in zip(writing, *answers, strict=True):
            for word in np.argsort(-probabilities, kind="stable")[: options.beam_size]:
                if probabilities[word] < _MIN_PROBABILITY:
                    continue
                words = (*caption.words, int(word))
                total = caption.log_probability + math.log(probabilities[word])
                if word != end:
                    others.push(Caption(words, total, total, state))
                    continue
                score = total
                if options.length_normalization > 0:
                    score /= len(words) ** options.length_normalization
                finished.push(Caption(words, total, score, state))
        writing = others.sorted()
        if not writing:
            break
    return finished.sorted() or writing
