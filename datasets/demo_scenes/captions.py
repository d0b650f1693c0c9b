"""Captions of postcards: a grammar that puts their facts in words, and the way back.

The grammar is small enough that all captions of a postcard can be listed with their probabilities
(`captions_of`), so that its own perplexity is known: that of a network which has learned all there
is to learn. A caption names every thing, the ground and the time of day, and mostly the side of a
single thing; chance decides about the words.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterable, Mapping

import numpy as np

from datasets.demo_scenes.postcard import IN_THE_SKY, LEFT, MIDDLE, RIGHT, Facts

# Texts and their probabilities.
_Texts = Mapping[str, float]

_NUMBERS: Mapping[int, _Texts] = {1: {"a": 0.8, "one": 0.2}, 2: {"two": 1}, 3: {"three": 1}}
# One thing of a kind, and several.
_NOUNS = {
    "boat": ("boat", "boats"),
    "car": ("car", "cars"),
    "house": ("house", "houses"),
    "tree": ("tree", "trees"),
    IN_THE_SKY: ("balloon", "balloons"),
}
_SIDES: Mapping[str | None, _Texts] = {
    LEFT: {"on the left": 0.6, "": 0.4},
    MIDDLE: {"in the middle": 0.6, "": 0.4},
    RIGHT: {"on the right": 0.6, "": 0.4},
    None: {"": 1},
}
_GROUNDS: Mapping[str, _Texts] = {
    "water": {"on the water": 0.6, "on a lake": 0.4},
    "road": {"on a road": 0.6, "on the street": 0.4},
    "meadow": {"in a meadow": 0.6, "on the grass": 0.4},
    "snow": {"in the snow": 1},
}
_TIMES: Mapping[str, _Texts] = {
    "day": {"by day": 0.6, "in the sunshine": 0.4},
    "sunset": {"at sunset": 0.6, "in the evening": 0.4},
    "fog": {"in fog": 0.6, "in the mist": 0.4},
    "night": {"at night": 0.6, "in the moonlight": 0.4},
}
_COUNTS = {text: count for count, texts in _NUMBERS.items() for text in texts}
_KINDS = {
    noun: (kind, is_plural)
    for kind, nouns in _NOUNS.items()
    for is_plural, noun in enumerate(nouns)
}


def _sequence(*parts: _Texts | str) -> dict[str, float]:
    """Returns parts one after the other, each chosen by itself."""
    listed = [{part: 1.0} if isinstance(part, str) else part for part in parts]
    found: dict[str, float] = {}
    for chosen in itertools.product(*(each.items() for each in listed)):
        text = " ".join(text for text, _ in chosen if text)
        found[text] = found.get(text, 0) + math.prod(share for _, share in chosen)
    return found


def _choice(*alternatives: tuple[float, _Texts]) -> dict[str, float]:
    """Returns one of several, each with its probability."""
    found: dict[str, float] = {}
    for share, texts in alternatives:
        for text, probability in texts.items():
            found[text] = found.get(text, 0) + share * probability
    return found


def _group(kind: str, count: int) -> dict[str, float]:
    return _sequence(_NUMBERS[count], _NOUNS[kind][count > 1])


@functools.cache
def captions_of(facts: Facts) -> Mapping[str, float]:
    """Returns all captions of a postcard and their probabilities, which add up to 1."""
    groups = [_group(group.kind, group.count) for group in facts.things]
    things = groups[0]
    if len(groups) > 1:
        first, second = groups
        things = _choice(
            (0.5, _sequence(first, "and", second)), (0.5, _sequence(second, "and", first))
        )
    shown = _sequence(things, _SIDES[facts.side], _GROUNDS[facts.ground])
    if facts.balloons:
        balloons = _group(IN_THE_SKY, facts.balloons)
        shown = _choice(
            (0.5, _sequence(shown, "and", balloons, "in the sky")),
            (0.25, _sequence(shown, "under", balloons)),
            (0.25, _sequence(balloons, "over", shown)),
        )
    time = _TIMES[facts.time]
    return _choice((0.75, _sequence(shown, time)), (0.25, _sequence(time, shown)))


def draw_captions(rng: np.random.Generator, facts: Facts, count: int) -> list[str]:
    """Draws captions of a postcard, each by itself, so that one may come twice."""
    texts = captions_of(facts)
    chosen = rng.choice(len(texts), size=count, p=[*texts.values()])
    return [[*texts][index] for index in chosen]


def perplexity(said: Iterable[tuple[Facts, str]]) -> float:
    """Returns the grammar's own perplexity on captions that it has drawn, by word.

    As in a network's, the mark at a caption's end counts as a word.

    Raises:
      ValueError: there are no captions, or the grammar never says one of these facts.
    """
    loss, num_words = 0.0, 0
    for facts, caption in said:
        probability = captions_of(facts).get(caption, 0)
        if not probability:
            raise ValueError(f"{caption!r} is no caption of the grammar for {facts}.")
        loss -= math.log(probability)
        num_words += len(caption.split()) + 1
    if not num_words:
        raise ValueError("there are no captions, which have a perplexity.")
    return math.exp(loss / num_words)


@dataclasses.dataclass(frozen=True)
class Said:
    """What a caption says, whether it is of the grammar or not.

    Attributes:
      counts: how many there are of each kind that is named; 0 where the caption does not say it, or
        contradicts itself as in "two boat".
      time, ground, side: None where nothing is said.
    """

    counts: Mapping[str, int]
    time: str | None
    ground: str | None
    side: str | None


def read(caption: str) -> Said:
    """Returns what a caption says."""
    words = caption.lower().split()
    counts: dict[str, int] = {}
    for before, word in zip(["", *words], words, strict=False):
        if word in _KINDS:
            kind, is_plural = _KINDS[word]
            count = _COUNTS.get(before, 0)
            fits = (count > 1) == is_plural and counts.get(kind) != 0
            counts[kind] = counts.get(kind, 0) + count if count and fits else 0
    return Said(counts, _find(words, _TIMES), _find(words, _GROUNDS), _find(words, _SIDES))


def _find(words: list[str], texts_of: Mapping[str | None, _Texts] | Mapping[str, _Texts]):
    """Returns which of several things some words say; None where they say none or several."""
    spaced = f" {' '.join(words)} "
    found = [
        name
        for name, texts in texts_of.items()
        if any(text and f" {text} " in spaced for text in texts)
    ]
    return found[0] if len(found) == 1 else None
