"""Captions that a network reads of its own: what is drawn, and from what."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from captioning.network import sampling
from captioning.network.attention import AttentionDecoder
from captioning.network.decoder import Decoder, Step, Unrolled
from captioning.network.show_and_tell import ShowAndTell

WORDS = 7
FEATURES = np.random.RandomState(0).normal(size=[3, 2, 2, 4]).astype(np.float32)


class Counting(Decoder):
    """Says the next number after the last word, plus what is added for the image, for sure."""

    num_words = WORDS

    def start(self, features):
        return (tf.cast(features[:, 0, 0, 0], tf.int32),), (tf.zeros([tf.shape(features)[0]]),)

    def step(self, words, memory, state):
        following = (words + 1 + memory[0]) % WORDS
        return Step(1000.0 * tf.one_hot(following, WORDS), (state[0] + 1,), None)

    def unroll(self, features, words) -> Unrolled:
        raise NotImplementedError


def mixed(decoder: Decoder, words: np.ndarray, share: float, features=FEATURES) -> np.ndarray:
    read = sampling.mixed(decoder, tf.constant(features), tf.constant(words), tf.constant(share))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(read)


def test_a_network_that_is_sure_reads_its_own_words_and_each_image_its_own():
    images = np.zeros([2, 1, 1, 1], np.float32)
    images[1] = 1
    words = np.array([[0, 5, 5, 5], [3, 5, 5, 5], [0, 5, 5, 5], [3, 5, 5, 5]], np.int32)
    own = [[0, 1, 2, 3], [3, 4, 5, 6], [0, 2, 4, 6], [3, 5, 0, 2]]
    np.testing.assert_array_equal(mixed(Counting(), words, 1.0, images), own)
    np.testing.assert_array_equal(mixed(Counting(), words, 0.0, images), words)


@pytest.mark.parametrize("kind", [ShowAndTell, AttentionDecoder])
def test_the_share_is_that_of_the_words_after_the_first(kind):
    decoder = kind(WORDS, 4, embedding_size=3, num_units=5, keep_prob=0.5)
    words = np.full([1500, 6], -1, np.int32)
    words[:, 0] = 2
    tf.set_random_seed(3)
    # A word that does not exist tells what was replaced; the network is to read existing ones.
    read = sampling.mixed(
        _Clipped(decoder), tf.constant(FEATURES), tf.constant(words), tf.constant(0.3)
    )
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        read = session.run(read)
    assert (read[:, 0] == 2).all()
    assert (read[:, 1:] >= 0).mean() == pytest.approx(0.3, abs=0.02)
    assert np.abs((read[:, 1:] >= 0).mean(axis=0) - 0.3).max() < 0.05  # At each place alike.


class _Clipped(Counting):
    """Reads no word below 0."""

    def __init__(self, decoder: Decoder):
        self._decoder = decoder
        self.start = decoder.start

    def step(self, words, memory, state):
        return self._decoder.step(tf.maximum(words, 0), memory, state)


def test_words_come_as_often_as_they_are_likely():
    logits = np.random.RandomState(1).normal(size=[WORDS]).astype(np.float32)
    logits[2] = -1e9
    tf.set_random_seed(1)
    chances = tf.random.uniform([20000])
    words = sampling.pick(tf.tile(logits[np.newaxis], [20000, 1]), chances)
    ends = sampling.pick(tf.constant(np.tile(logits, [2, 1])), tf.constant([0.0, 1 - 2**-24]))
    with tf.Session() as session:
        found, ends = session.run([words, ends])
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(np.bincount(found, minlength=WORDS) / 20000, expected, atol=0.01)
    assert not (found == 2).any()
    assert ends.tolist() == [0, WORDS - 1]


def test_samples_follow_the_distribution_of_the_network():
    tf.set_random_seed(5)
    decoder = AttentionDecoder(WORDS, 4, embedding_size=3, num_units=5)
    features = tf.constant(FEATURES)
    samples = sampling.sample(decoder, features, 1, 4000, 3)
    memory, state = decoder.start(features)
    step = decoder.step(tf.ones([3], tf.int32), memory, state)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        drawn, probabilities = session.run([samples, tf.nn.softmax(step.logits)])
    drawn = drawn.reshape([3, 4000, 3])
    assert (drawn[..., 0] == 1).all()
    for image in range(3):
        found = np.bincount(drawn[image, :, 1], minlength=WORDS) / 4000
        np.testing.assert_allclose(found, probabilities[image], atol=0.03)


def test_a_seed_decides_what_is_drawn():
    def draw(seed: int) -> np.ndarray:
        with tf.Graph().as_default():
            tf.set_random_seed(seed)
            decoder = ShowAndTell(WORDS, 4, embedding_size=3, num_units=5)
            drawn = sampling.sample(decoder, tf.constant(FEATURES), 1, 40, 12)
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                return np.stack([session.run(drawn) for _ in range(2)])

    first, again, other = draw(1), draw(1), draw(2)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first[0] != first[1]).any()
