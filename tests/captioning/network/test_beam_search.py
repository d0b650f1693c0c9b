"""The search inside the graph against research/im2txt's, on a network that is a table."""

import itertools
import math

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from captioning.network import beam_search
from captioning.network.decoder import Decoder, Step, Unrolled
from captioning.options import SearchOptions
from reference import caption_search
from tests.support import sessions

START, END, WORDS, LONGEST = 0, 1, 7, 20


class Table(Decoder):
    """The next word depends on the time, the last two and the image; it looks where a word says."""

    def __init__(self, seed: int, end_logit: float = 0.0):
        self.num_words = WORDS
        random = np.random.RandomState(seed)
        table = 2 * random.normal(size=[LONGEST, WORDS, WORDS, WORDS]).astype(np.float32)
        table[..., END] += end_logit
        self.table = table

    def start(self, features):
        image = features[:, 0, 0]
        return (image,), (tf.zeros([tf.shape(image)[0], 2], tf.int32),)

    def step(self, words, memory, state):
        time, before = tf.unstack(state[0], axis=1)
        places = tf.stack([time, before, words], axis=1)
        logits = tf.gather_nd(tf.constant(self.table), places)
        state = (tf.stack([time + 1, words], axis=1),)
        return Step(logits + memory[0], state, tf.one_hot(words, WORDS))

    def unroll(self, features, words) -> Unrolled:
        raise NotImplementedError

    def log_probabilities(self, words: list[int], image: np.ndarray) -> np.ndarray:
        before = words[-2] if len(words) > 1 else 0
        logits = (self.table[len(words) - 1, before, words[-1]] + image).astype(np.float64)
        return logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()


def comes_again(words: list[int]) -> bool:
    trigrams = list(zip(words, words[1:], words[2:], strict=False))
    return len(set(trigrams)) < len(trigrams)


class Asked:
    """Asks a table as research/im2txt's search asks; states are the words so far."""

    def __init__(self, table: Table, blocks_trigrams: bool):
        self.table, self.blocks_trigrams = table, blocks_trigrams

    def start(self, image):
        self.image = image
        return np.zeros([1, 0], np.int64)

    def step(self, words, states):
        states = np.concatenate([states, words[:, np.newaxis]], axis=1)
        return np.stack([self.probabilities(each.tolist()) for each in states]), states

    def probabilities(self, words: list[int]) -> np.ndarray:
        of_words = np.exp(self.table.log_probabilities(words, self.image))
        if self.blocks_trigrams:
            of_words[[comes_again([*words, each]) for each in range(WORDS)]] = 0.0
        return of_words


def plain_search(table: Table, image: np.ndarray, options: SearchOptions):
    asked = Asked(table, options.blocks_trigrams)
    found = caption_search.search(asked, image, START, END, options)
    return [(caption.score, list(caption.words)) for caption in found]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "options",
    [
        SearchOptions(),
        SearchOptions(beam_size=1, max_length=9),
        SearchOptions(beam_size=5, max_length=12, length_normalization=0.7),
        SearchOptions(beam_size=9, max_length=5),
        SearchOptions(beam_size=4, max_length=15, blocks_trigrams=True),
        SearchOptions(beam_size=2, max_length=15, length_normalization=2.0, blocks_trigrams=True),
    ],
    ids=str,
)
def test_captions_are_those_of_a_plain_search(options, seed):
    images = np.random.RandomState(seed + 99).normal(size=[3, 1, 1, WORDS]).astype(np.float32)
    table = Table(seed, end_logit=[0.0, -1.0, -9.0, 2.0][seed])
    found = beam_search.search(table, tf.constant(images), START, END, options)
    with sessions.unoptimized() as session:
        captions = session.run(found)
    for index, image in enumerate(images[:, 0, 0]):
        expected = plain_search(table, image, options)
        lengths = captions.lengths[index]
        assert np.count_nonzero(lengths) == len(expected)
        for place, (score, words) in enumerate(expected):
            assert captions.words[index, place, : lengths[place]].tolist() == words
            assert captions.scores[index, place] == pytest.approx(score, abs=1e-4)
            looked = captions.attention[index, place, : lengths[place] - 1]
            np.testing.assert_array_equal(looked.argmax(axis=1), words[:-1])
            np.testing.assert_array_equal(looked.sum(axis=1), 1)
            if options.blocks_trigrams:
                assert not comes_again(words)


def test_words_that_are_all_but_impossible_are_not_taken():
    table = Table(0)
    table.table[:] = -100.0
    table.table[..., 3] = 100.0
    found = beam_search.search(
        table, tf.zeros([1, 1, 1, WORDS]), START, END, SearchOptions(max_length=5)
    )
    with sessions.unoptimized() as session:
        captions = session.run(found)
    assert captions.lengths.tolist() == [[5, 0, 0]]
    assert captions.words[0, 0].tolist() == [START, 3, 3, 3, 3]


def test_the_unknown_word_can_be_kept_out():
    table = Table(3)
    table.table[..., 4] += 3.0
    images = tf.zeros([1, 1, 1, WORDS])
    found = [
        beam_search.search(table, images, START, END, SearchOptions(allows_unknown=allows), 4)
        for allows in (True, False)
    ]
    with sessions.unoptimized() as session:
        with_unknown, without = session.run([each.words for each in found])
    assert 4 in with_unknown
    assert 4 not in without


def test_the_search_ends_when_nothing_can_win():
    steps = []

    class Counting(Table):
        def step(self, words, memory, state):
            step = super().step(words, memory, state)
            count = tf.numpy_function(lambda: steps.append(1) or np.int32(0), [], tf.int32)
            count.set_shape([])
            return step._replace(logits=step.logits + tf.cast(count, tf.float32))

    table = Counting(0)
    table.table[..., END] = 20.0
    options = SearchOptions(beam_size=2, max_length=20)
    found = beam_search.search(table, tf.zeros([1, 1, 1, WORDS]), START, END, options)
    with sessions.unoptimized() as session:
        session.run(found.words)
    assert 2 <= len(steps) <= 5  # One of them tells only whether it looks.


def test_the_probability_of_a_caption_is_that_of_its_words():
    table = Table(5)
    image = np.zeros(WORDS, np.float32)
    for total, words in plain_search(table, image, SearchOptions()):
        steps = itertools.accumulate(words, lambda before, word: [*before, word], initial=[])
        known = [each for each in steps if each and len(each) < len(words)]
        each = [table.log_probabilities(before, image)[words[len(before)]] for before in known]
        assert total == pytest.approx(math.fsum(each))
