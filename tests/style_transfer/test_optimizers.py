"""style_transfer.optimizers: Adam as TensorFlow computes it, and who says when it ends."""

import importlib.util

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from style_transfer import optimizers
from style_transfer.objective import Evaluation
from style_transfer.optimizers import Adam

GOAL = np.random.RandomState(0).uniform(-40, 300, (4, 5, 3)).astype(np.float32)
START = np.full(GOAL.shape, 100.0, np.float32)


def evaluate(image: np.ndarray) -> Evaluation:
    return Evaluation({"all": float(np.sum((image - GOAL) ** 2))}, 2 * (image - GOAL))


def steps_of(run, *arguments, ends_after=10**6) -> list[np.ndarray]:
    seen: list[np.ndarray] = []

    def report(image, evaluation):
        assert evaluation.total == evaluate(image).total
        seen.append(image.copy())
        return len(seen) < ends_after

    run(*arguments, report)
    return seen


def run_adam(adam, image, num_steps, report):
    optimizers.run_adam(adam, image, evaluate, num_steps, report)


def test_adam_makes_the_steps_of_tensorflow():
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable("image", initializer=START)
        step = tf.train.AdamOptimizer(3.0).minimize(tf.reduce_sum(tf.square(variable - GOAL)))
        session.run(tf.global_variables_initializer())
        expected = [session.run(variable)]
        for _ in range(5):
            session.run(step)
            expected.append(session.run(variable))
    found = steps_of(run_adam, Adam(3.0, keeps_range=False), START, 5)
    assert len(found) == 6
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-3)


def test_pixels_stay_in_their_range_where_they_are_to():
    last = steps_of(run_adam, Adam(30.0, keeps_range=True), START, 200)[-1]
    np.testing.assert_allclose(last, np.clip(GOAL, 0, 255), atol=2.0)
    assert last.min() == 0.0
    assert last.max() == 255.0


def test_adam_goes_on_where_it_was_ended():
    whole = steps_of(run_adam, Adam(3.0, True), START, 8)
    adam = Adam(3.0, True)
    first = steps_of(run_adam, adam, START, 8, ends_after=4)
    rest = steps_of(run_adam, adam, first[-1], 8)
    assert (len(first), adam.step) == (4, 8)
    for one, two in zip([*first[:-1], *rest], whole, strict=True):
        np.testing.assert_array_equal(one, two)


def test_lbfgs_reaches_the_goal_or_says_what_is_missing():
    def run(image, num_steps, report):
        optimizers.run_lbfgs(image, evaluate, num_steps, True, report)

    if importlib.util.find_spec("scipy") is None:
        with pytest.raises(ValueError, match="L-BFGS needs SciPy: make setup-lbfgs"):
            steps_of(run, START, 20)
        return
    found = steps_of(run, START, 20)
    np.testing.assert_allclose(found[-1], np.clip(GOAL, 0, 255), atol=0.1)
    # Losses that are shares of 1 have small gradients, which are no end.
    small: list[np.ndarray] = []

    def evaluate_share(image):
        whole = evaluate(image)
        return Evaluation({"all": 1e-9 * whole.total}, 1e-9 * whole.gradient)

    def keep(image, evaluation):
        small.append(image.copy())
        return True

    optimizers.run_lbfgs(START, evaluate_share, 20, True, keep)
    np.testing.assert_allclose(small[-1], np.clip(GOAL, 0, 255), atol=0.1)
    assert len(steps_of(run, START, 20, ends_after=2)) == 2
    assert len(steps_of(run, START, 1)) <= 2
