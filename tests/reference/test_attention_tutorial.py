"""The tutorial's training step against ours."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from captioning.network.attention import AttentionDecoder
from captioning.objective import losses
from reference import attention_tutorial, comparison
from reference.attention_tutorial import Tutorial
from tests.support import sessions

WORDS, SIZES = 11, {"embedding_size": 6, "num_units": 5}
IDS = np.array([[2, 4, 5, 6, 1], [2, 7, 1, 0, 0], [2, 8, 9, 1, 0]], np.int32)
LENGTHS = np.array([5, 3, 4], np.int32)


def features() -> tf.Tensor:
    return tf.constant(np.random.RandomState(0).normal(size=[3, 2, 2, 4]).astype(np.float32))


def our_loss() -> tf.Tensor:
    """As the tutorial has it: words of the batch over its captions."""
    decoder = AttentionDecoder(WORDS, 4, **SIZES, starts_from_image=False)
    unrolled = decoder.unroll(features(), tf.constant(IDS[:, :-1]))
    mask = tf.sequence_mask(LENGTHS - 1, IDS.shape[1] - 1)
    costs = losses.word_losses(unrolled.logits, tf.constant(IDS[:, 1:]))
    return losses.mean_loss(costs, mask) * float((LENGTHS - 1).mean())


def plain_loss() -> tf.Tensor:
    tutorial = Tutorial(WORDS, 4, **SIZES)
    return attention_tutorial.add_loss(tutorial, features(), tf.constant(IDS), tf.constant(LENGTHS))


def trained(make_loss) -> tuple[list[float], dict[str, np.ndarray]]:
    """Returns the losses of three steps, and the weights after them."""
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        step = attention_tutorial.train_op(make_loss(), learning_rate=0.01)
        variables = tf.trainable_variables()
        session.run(tf.global_variables_initializer())
        for each in variables:
            each.load(comparison.weight(each.op.name, each.shape.as_list()), session)
        found = [session.run(step) for _ in range(3)]
        return found, session.run({each.op.name: each for each in variables})


def test_three_steps_are_ours():
    expected, weights = trained(our_loss)
    found, plain_weights = trained(plain_loss)
    assert found == pytest.approx(expected, rel=1e-4)
    assert found[2] < found[0]
    assert plain_weights.keys() == weights.keys()
    # It adds the same to all places, so that its gradient is only rounding.
    del weights["decoder/attention/V/bias"]
    for name, value in weights.items():
        np.testing.assert_allclose(plain_weights[name], value, atol=1e-3, err_msg=name)
