"""research/im2txt's training step against ours, which is held to its own outputs."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from captioning.network.show_and_tell import ShowAndTell
from captioning.objective import losses
from reference import comparison, im2txt
from tests.support import sessions

WORDS, SIZES = 11, {"embedding_size": 6, "num_units": 5}
IDS = np.array([[2, 4, 5, 6, 1], [2, 7, 1, 0, 0], [2, 8, 9, 1, 0]], np.int32)
LENGTHS = np.array([5, 3, 4], np.int32)


def features() -> tf.Tensor:
    return tf.constant(np.random.RandomState(0).normal(size=[3, 2, 2, 4]).astype(np.float32))


def our_loss() -> tf.Tensor:
    unrolled = ShowAndTell(WORDS, 4, **SIZES).unroll(features(), tf.constant(IDS[:, :-1]))
    mask = tf.sequence_mask(LENGTHS - 1, IDS.shape[1] - 1)
    return losses.mean_loss(losses.word_losses(unrolled.logits, tf.constant(IDS[:, 1:])), mask)


def plain_loss(keep_prob: float = 1.0) -> tf.Tensor:
    return im2txt.add_loss(
        features(),
        tf.constant(IDS),
        tf.constant(LENGTHS),
        WORDS,
        keep_prob=keep_prob,
        code_keep_prob=keep_prob,
        **SIZES,
    )


def trained(make_loss) -> tuple[list[float], dict[str, np.ndarray]]:
    """Returns the losses of three steps, and the weights after them."""
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        step = im2txt.train_op(make_loss(), learning_rate=3.0)
        comparison.fill_variables(session)
        found = [session.run(step) for _ in range(3)]
        return found, session.run({each.op.name: each for each in tf.global_variables()})


def test_three_steps_are_ours():
    expected, weights = trained(our_loss)
    found, plain_weights = trained(plain_loss)
    assert found == pytest.approx(expected, rel=1e-4)
    assert found[2] < found[0]
    assert plain_weights.keys() == weights.keys()
    for name, value in weights.items():
        np.testing.assert_allclose(plain_weights[name], value, atol=1e-4, err_msg=name)


def test_dropout_is_drawn_at_every_step():
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        loss = plain_loss(keep_prob=0.5)
        comparison.fill_variables(session)
        assert len({float(session.run(loss)) for _ in range(4)}) > 1
        assert tf.losses.get_losses() == [loss]


def test_gradients_are_clipped():
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        weight = tf.get_variable("weight", initializer=[0.0, 0.0])
        step = im2txt.train_op(tf.reduce_sum(weight * [30.0, 40.0]), learning_rate=1.0)
        session.run(tf.global_variables_initializer())
        session.run(step)
        np.testing.assert_allclose(session.run(weight), [-3.0, -4.0], rtol=1e-5)
