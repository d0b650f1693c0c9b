"""Gradient multipliers and clipping by value."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from training import gradients


def _variables():
    return [
        tf.get_variable(name, [2])
        for name in (
            "encoder/conv/weights",
            "encoder/conv/biases",
            "logits/semantic/weights",
            "logits/semantic/biases",
        )
    ]


def test_biases_learn_twice_as_fast_and_last_layers_by_their_multiplier():
    variables = _variables()
    values = [tf.constant([1.0, -2.0]) for _ in variables]
    values[2] = tf.IndexedSlices(tf.constant([3.0]), tf.constant([1]), tf.constant([2]))
    pairs = list(zip(values, variables, strict=True))

    multiplied = gradients.multiply(pairs, ("logits", "aspp"), 10.0, 2.0)

    assert [variable for _, variable in multiplied] == variables
    assert multiplied[0][0] is values[0]
    with tf.Session() as session:
        dense = session.run([tf.convert_to_tensor(gradient) for gradient, _ in multiplied])
    np.testing.assert_array_equal(dense, [[1.0, -2.0], [2.0, -4.0], [0.0, 30.0], [20.0, -40.0]])


def test_only_the_variables_of_some_scopes_are_trained():
    pairs = [(tf.zeros([2]), variable) for variable in _variables()]

    assert gradients.select(pairs, ()) == pairs
    assert gradients.select(pairs, ("logits/", "encoder/conv/biases")) == pairs[1:]
    with pytest.raises(
        ValueError, match=r"has 'head', .* begin with encoder/conv, logits/semantic"
    ):
        gradients.select(pairs, ("logits", "head"))


def _clipped(limit: float):
    variables = _variables()[:2]
    values = [tf.constant([3.0, 0.0]), tf.constant([0.0, 4.0])]
    pairs, norm = gradients.clip(list(zip(values, variables, strict=True)), limit)
    assert [variable for _, variable in pairs] == variables
    with tf.Session() as session:
        return session.run([[gradient for gradient, _ in pairs], norm])


def test_clip_shortens_all_gradients_together():
    values, norm = _clipped(2.5)

    assert norm == 5.0
    np.testing.assert_allclose(values, [[1.5, 0.0], [0.0, 2.0]], rtol=1e-6)


def test_clip_leaves_short_gradients_and_0_is_no_limit():
    for limit in (6.0, 0.0):
        tf.reset_default_graph()
        values, norm = _clipped(limit)

        assert norm == 5.0
        np.testing.assert_allclose(values, [[3.0, 0.0], [0.0, 4.0]], rtol=1e-6)


def test_only_what_is_trained_is_regularized():
    regularizer = tf.nn.l2_loss
    for name in ("body/weights", "logits/weights"):
        tf.get_variable(name, [2], regularizer=regularizer)
    losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    assert len(losses) == 2

    assert gradients.select_regularization(losses, ()) == losses
    assert gradients.select_regularization(losses, ("logits",)) == losses[1:]
