"""The grammar of the demo's captions: its probabilities, its perplexity, and the way back."""

import collections
import math

import numpy as np
import pytest

from datasets.captioning import tokens
from datasets.demo_scenes import captions, postcard
from datasets.demo_scenes.postcard import Facts, Group

BOATS = Facts("night", "water", (Group("boat", 2),))
MIXED = Facts("fog", "meadow", (Group("tree", 2), Group("house", 1)), balloons=1)


def all_facts() -> list[Facts]:
    return sorted({postcard.plan(np.random.default_rng([2, n])) for n in range(500)}, key=str)


def test_all_captions_of_two_boats():
    found = captions.captions_of(BOATS)
    assert found == pytest.approx(
        {
            "two boats on the water at night": 0.6 * 0.6 * 0.75,
            "two boats on a lake at night": 0.4 * 0.6 * 0.75,
            "two boats on the water in the moonlight": 0.6 * 0.4 * 0.75,
            "two boats on a lake in the moonlight": 0.4 * 0.4 * 0.75,
            "at night two boats on the water": 0.6 * 0.6 * 0.25,
            "at night two boats on a lake": 0.4 * 0.6 * 0.25,
            "in the moonlight two boats on the water": 0.6 * 0.4 * 0.25,
            "in the moonlight two boats on a lake": 0.4 * 0.4 * 0.25,
        }
    )


def test_probabilities_add_up_to_one_and_captions_fit_the_search():
    for facts in all_facts():
        found = captions.captions_of(facts)
        assert math.fsum(found.values()) == pytest.approx(1)
        # With the marks of start and end, the 20 words of --max_caption_length.
        assert max(len(text.split()) for text in found) <= 18
        for text in found:
            assert tokens.im2txt(text) == text.split() == tokens.tutorial(text)


def test_captions_are_as_frequent_as_they_should():
    drawn = captions.draw_captions(np.random.default_rng(0), MIXED, 20_000)
    counts = collections.Counter(drawn)
    probabilities = captions.captions_of(MIXED)
    assert set(counts) <= set(probabilities)
    for text, probability in probabilities.items():
        spread = math.sqrt(probability / 20_000)
        assert counts[text] / 20_000 == pytest.approx(probability, abs=5 * spread)


def test_the_way_back_inverts_the_grammar():
    for facts in all_facts():
        for text in captions.captions_of(facts):
            said = captions.read(text)
            assert (said.counts, said.time, said.ground) == (facts.counts, facts.time, facts.ground)
            assert said.side in (None, facts.side)
            assert (said.side is None) == (f"the {facts.side}" not in text)


def test_captions_that_the_grammar_never_says_are_read_as_they_stand():
    said = captions.read("Two boat and trees and a car and two cars in the moonlight by day")
    assert said.counts == {"boat": 0, "tree": 0, "car": 3}
    assert (said.time, said.ground, said.side) == (None, None, None)
    assert captions.read("").counts == {}


def test_the_perplexity_is_that_of_the_words():
    said = [(BOATS, "two boats on the water at night"), (BOATS, "at night two boats on a lake")]
    loss = -math.log(0.6 * 0.6 * 0.75) - math.log(0.4 * 0.6 * 0.25)
    assert captions.perplexity(said) == pytest.approx(math.exp(loss / 16))
    with pytest.raises(ValueError, match=r"'two cars' is no caption of the grammar for Facts\("):
        captions.perplexity([(BOATS, "two cars")])
    with pytest.raises(ValueError, match="there are no captions"):
        captions.perplexity([])
