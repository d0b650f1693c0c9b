"""A network over the records of a split: weights, batches, and what is missing."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from tests.training.test_checkpoints import save
from training.evaluation_session import EvaluationSession


@pytest.fixture
def made():
    """A session that multiplies 0 … 4, in batches of two, by a weight; 4 is broken if asked for."""
    graph = tf.Graph()
    with graph.as_default():
        limit = tf.placeholder_with_default(np.float32(9), [])
        numbers = tf.data.Dataset.range(5).map(lambda each: tf.cast(each, tf.float32)).batch(2)
        iterator = tf.data.make_initializable_iterator(numbers)
        values = iterator.get_next()
        weight = tf.get_variable("weight", [], trainable=False)
        check = tf.debugging.assert_less(values, tf.abs(weight) * limit + 1.5)
        with tf.control_dependencies([check]):
            fetches = {"values": values, "products": values * weight}
        session = EvaluationSession(graph, [weight], lambda error: ValueError("number 4 is broken"))
    yield session, iterator, fetches
    session.close()


def test_each_checkpoint_gives_all_batches_from_the_start(made, tmp_path):
    session, iterator, fetches = made
    for step, weight in ((3, 2.0), (4, 5.0)):
        session.restore(save(tmp_path, step, {"weight": np.float32(weight)}))
        assert session.step == step
        products = [each["products"].tolist() for each in session.batches(iterator, fetches)]
        assert products == [[0, weight], [2 * weight, 3 * weight], [4 * weight]]


def test_errors_are_explained(made, tmp_path):
    session, iterator, fetches = made
    session.restore(save(tmp_path, 1, {"weight": np.float32(0.25)}))
    batches = session.batches(iterator, fetches)
    next(batches)
    with pytest.raises(ValueError, match="number 4 is broken"):
        list(batches)


def test_a_number_that_is_not_the_described_one_is_an_error_after_the_last(made, tmp_path):
    session, iterator, fetches = made
    session.restore(save(tmp_path, 1, {"weight": np.float32(2)}))

    def counted(num_examples: int):
        return session.counted_batches(
            iterator,
            fetches,
            split="val",
            num_examples=num_examples,
            explain_missing=lambda num_read: ValueError(f"{num_read} were read"),
        )

    assert len(list(counted(5))) == 3
    batches = counted(6)
    assert len([next(batches) for _ in range(3)]) == 3
    with pytest.raises(ValueError, match="5 were read"):
        next(batches)
