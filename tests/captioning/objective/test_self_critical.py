"""Self-critical training: what is drawn, what its loss leads to, and that rewards rise."""

import itertools

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from captioning.evaluation.caption_rewards import CaptionRewards
from captioning.network.attention import AttentionDecoder
from captioning.network.show_and_tell import ShowAndTell
from captioning.objective import losses, self_critical, training_graph
from captioning.objective.self_critical import Rewards
from captioning.options import ModelOptions, ObjectiveOptions
from datasets.captioning.vocabulary import Vocabulary

KNOWN = Vocabulary(("<S>", "</S>", "a", "dog", "cat", "runs", "sleeps", "<UNK>"))
REFERENCES = {
    4: [["a", "dog", "runs"], ["a", "dog"]],
    9: [["a", "cat", "sleeps"], ["a", "cat"]],
    2: [["a", "dog", "sleeps"], ["the", "dog", "sleeps"]],
}
IMAGES = np.array([4, 9, 2])
FEATURES = np.random.RandomState(0).normal(0, 4, [3, 2, 2, 4]).astype(np.float32)
REWARDS = Rewards(KNOWN.start, KNOWN.end, CaptionRewards(REFERENCES, KNOWN).score)


def count_word(images: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Rewards captions for the number of the image, and a tenth for each 3 in them."""
    return (images[:, np.newaxis] + (words == 3).sum(axis=2) / 10).astype(np.float32)


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_expected_are_the_other_captions_or_the_likeliest_one(count):
    tf.set_random_seed(2)
    decoder = ShowAndTell(len(KNOWN), 4, embedding_size=3, num_units=5)
    drawn = self_critical.draw(
        decoder,
        tf.constant(FEATURES),
        tf.constant(IMAGES),
        Rewards(KNOWN.start, KNOWN.end, count_word),
        count,
    )
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        words, mask, rewards, baselines = session.run(drawn)
    assert words.shape == (3 * count, 20)
    assert (words[:, 0] == KNOWN.start).all()
    for each, kept in zip(words[:, 1:], mask, strict=True):
        ends = np.flatnonzero(each == KNOWN.end)
        assert kept.sum() == (ends[0] + 1 if len(ends) else 19)
        assert kept[: kept.sum()].all()
    expected = count_word(IMAGES, words.reshape(3, count, 20))
    np.testing.assert_allclose(rewards.reshape(3, count), expected)
    baselines = baselines.reshape(3, count)
    if count == 1:  # The likeliest caption: of another image's number it cannot be.
        assert (np.floor(baselines[:, 0]) == IMAGES).all()
    else:
        others = [expected[:, [1, 2]], expected[:, [0, 2]], expected[:, [0, 1]]]
        np.testing.assert_allclose(
            baselines, np.stack([each.mean(axis=1) for each in others], 1), rtol=1e-5
        )


def test_the_gradient_is_that_of_reinforce():
    random = np.random.RandomState(3)
    logits = random.normal(size=[2, 3, 5]).astype(np.float32)
    words = np.array([[1, 4, 0], [2, 2, 3]])
    mask = np.array([[1, 1, 0], [1, 1, 1]], bool)
    advantages = np.array([0.7, -1.5], np.float32)
    given = tf.constant(logits)
    loss = losses.policy_loss(losses.word_losses(given, tf.constant(words)), mask, advantages)
    with tf.Session() as session:
        (found,) = session.run(tf.gradients(loss, given))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    # The gradient of log p(word) by the logits is onehot(word) - p; it is descended.
    expected = -(np.eye(5)[words] - probabilities) * advantages[:, None, None] / 2
    np.testing.assert_allclose(found, expected * mask[..., None], atol=1e-6)


def test_on_average_it_is_the_gradient_of_the_expected_reward(monkeypatch):
    monkeypatch.setattr(self_critical, "_LENGTH", 3)
    tf.set_random_seed(4)
    num_words, end = 4, 1
    worth = np.random.RandomState(5).uniform(0, 3, [num_words, num_words]).astype(np.float32)
    worth[end] = worth[end, 0]  # After the end nothing counts.
    decoder = ShowAndTell(num_words, 4, embedding_size=3, num_units=3)
    features = tf.constant(FEATURES[:1])
    rewards = Rewards(0, end, lambda images, words: worth[words[..., 1], words[..., 2]])
    drawn = self_critical.draw(decoder, features, tf.constant([1]), rewards, 20000)

    def costs(words: tf.Tensor) -> tf.Tensor:
        every = tf.repeat(features, tf.shape(words)[0], axis=0)
        return losses.word_losses(decoder.unroll(every, words[:, :-1]).logits, words[:, 1:])

    loss = losses.policy_loss(costs(drawn.words), drawn.mask, drawn.rewards - drawn.baselines)
    all_words = tf.constant([(0, *pair) for pair in itertools.product(range(num_words), repeat=2)])
    probabilities = tf.exp(-tf.reduce_sum(costs(all_words), axis=1))
    expected = -tf.reduce_sum(probabilities * worth.reshape(-1))
    variables = tf.trainable_variables()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        # Far from uniform, so that the gradients differ.
        for each in variables:
            session.run(each.assign(10 * each))
        found, wanted = session.run(
            [tf.gradients(loss, variables), tf.gradients(expected, variables)]
        )
    found, wanted = ([_dense(each) for each in values] for values in (found, wanted))
    for each, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(each, other, atol=0.03)
    assert max(np.abs(each).max() for each in wanted) > 0.1


def _dense(gradient) -> np.ndarray:
    """Returns the gradient of a variable, that of a table of words among them, as an array."""
    if isinstance(gradient, np.ndarray):
        return gradient
    whole = np.zeros(gradient.dense_shape, np.float32)
    np.add.at(whole, gradient.indices, gradient.values)
    return whole


def train(kind: type, seed: int, num_steps: int) -> list[float]:
    """Returns the mean reward in each step of a training run from scratch."""
    with tf.Graph().as_default():
        tf.set_random_seed(seed)
        decoder = kind(len(KNOWN), 4, embedding_size=8, num_units=16)
        features = tf.constant(FEATURES)
        drawn = self_critical.draw(decoder, features, tf.constant(IMAGES), REWARDS, 5)
        unrolled = decoder.unroll(tf.repeat(features, 5, axis=0), drawn.words[:, :-1])
        costs = losses.word_losses(unrolled.logits, drawn.words[:, 1:])
        loss = losses.policy_loss(costs, drawn.mask, drawn.rewards - drawn.baselines)
        step = tf.train.AdamOptimizer(0.02).minimize(loss)
        mean = tf.reduce_mean(drawn.rewards)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            return [session.run([mean, step])[0] for _ in range(num_steps)]


@pytest.mark.parametrize("kind", [ShowAndTell, AttentionDecoder])
def test_rewards_rise(kind):
    rewards = train(kind, 1, 240)
    assert np.mean(rewards[:10]) < 1.5
    assert np.mean(rewards[-10:]) > 3.0


def test_a_seed_decides_what_is_drawn_and_learned():
    first, again, other = (train(ShowAndTell, seed, 8) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("trains_encoder", [False, True])
@pytest.mark.parametrize("decoder", ["show_and_tell", "attention"])
def test_a_clone_adds_its_loss_and_reaches_what_is_trained(decoder, trains_encoder):
    model = ModelOptions(
        len(KNOWN),
        decoder,
        "mobilenet_v3_small_seg",
        depth_multiplier=0.25,
        num_units=8,
        embedding_size=6,
    )
    images = np.random.RandomState(2).uniform(0, 255, [3, 64, 64, 3]).astype(np.float32)
    objective = ObjectiveOptions(
        objective="self_critical",
        self_critical_samples=2,
        train_encoder=trains_encoder,
        attention_penalty=0.5,
    )
    batch = {"image": tf.constant(images), "image_id": tf.constant(IMAGES)}
    training_graph.build_clone(batch, model, objective, rewards=REWARDS)
    found = tf.losses.get_losses()
    assert len(found) == (2 if decoder == "attention" else 1)
    variables = tf.trainable_variables()
    gradients = tf.gradients(found, variables)
    reached = {
        each.op.name.split("/")[0]
        for each, gradient in zip(variables, gradients, strict=True)
        if gradient is not None
    }
    assert ("MobilenetV3" in reached) == trains_encoder
    assert len(reached - {"MobilenetV3"}) == (2 if decoder == "attention" else 4)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        merged = session.run(tf.summary.merge_all())
    values = {each.tag: each.simple_value for each in tf.Summary.FromString(merged).value}
    assert {"losses/self_critical", "reward/drawn", "reward/baseline", "reward/words"} <= set(
        values
    )
    assert values["reward/drawn"] == pytest.approx(values["reward/baseline"], abs=1e-5)
    assert 1 <= values["reward/words"] <= 19
