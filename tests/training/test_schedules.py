"""Learning rates against the formulas of research/deeplab, and what the optimizers do with them."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from training import schedules
from training.options import OptimizerOptions

STEPS = 100


def _rates(options: OptimizerOptions) -> list[float]:
    """Returns the learning rate of every step and of some behind the end."""
    step = tf.placeholder(tf.int64, [])
    rate = schedules.learning_rate(options, step, STEPS)
    with tf.Session() as session:
        return [session.run(rate, {step: value}) for value in range(STEPS + 20)]


@pytest.mark.parametrize("decay_steps", [0, 60])
@pytest.mark.parametrize("slow_start_step", [0, 10])
def test_poly(decay_steps, slow_start_step):
    options = OptimizerOptions(
        learning_policy="poly",
        base_learning_rate=0.05,
        end_learning_rate=0.002,
        learning_power=0.7,
        decay_steps=decay_steps,
        slow_start_step=slow_start_step,
        slow_start_learning_rate=0.3,
    )
    duration = decay_steps or STEPS - slow_start_step
    expected = []
    for step in range(STEPS + 20):
        adjusted = min(max(step - slow_start_step, 0), duration)
        rate = (0.05 - 0.002) * (1 - adjusted / duration) ** 0.7 + 0.002
        expected.append(0.3 if step < slow_start_step else rate)

    np.testing.assert_allclose(_rates(options), expected, rtol=1e-5)


@pytest.mark.parametrize("slow_start_step", [0, 10])
def test_step(slow_start_step):
    options = OptimizerOptions(
        learning_policy="step",
        base_learning_rate=0.05,
        learning_rate_decay_factor=0.5,
        learning_rate_decay_step=30,
        slow_start_step=slow_start_step,
        slow_start_learning_rate=0.3,
    )
    expected = [
        0.3 if step < slow_start_step else 0.05 * 0.5 ** ((step - slow_start_step) // 30)
        for step in range(STEPS + 20)
    ]

    np.testing.assert_allclose(_rates(options), expected, rtol=1e-5)


@pytest.mark.parametrize("decay_steps", [0, 60])
def test_cosine(decay_steps):
    options = OptimizerOptions(
        learning_policy="cosine",
        base_learning_rate=0.05,
        end_learning_rate=0.002,
        decay_steps=decay_steps,
    )
    duration = decay_steps or STEPS
    done = np.minimum(np.arange(STEPS + 20) / duration, 1)
    expected = 0.002 + 0.048 * (1 + np.cos(np.pi * done)) / 2

    np.testing.assert_allclose(_rates(options), expected, rtol=1e-5)


def test_a_linear_slow_start_climbs_to_the_schedule():
    options = OptimizerOptions(
        learning_policy="exponential",
        base_learning_rate=0.1,
        learning_rate_decay_factor=0.5,
        learning_rate_decay_step=50,
        slow_start_step=4,
        slow_start_policy="linear",
        slow_start_learning_rate=0.0,
    )

    np.testing.assert_allclose(_rates(options)[:6], [0.02, 0.04, 0.06, 0.08, 0.1, 0.1], rtol=1e-5)


def test_adam_follows_the_schedule_without_a_rate_of_its_own():
    options = OptimizerOptions(
        optimizer="adam", adam_learning_rate=None, learning_policy="poly", base_learning_rate=0.05
    )
    expected = 0.05 * (1 - np.minimum(np.arange(STEPS + 20) / STEPS, 1)) ** 0.9

    np.testing.assert_allclose(_rates(options), expected, rtol=1e-5)


def test_adam_has_no_schedule():
    options = OptimizerOptions(optimizer="adam", adam_learning_rate=0.02, slow_start_step=10)

    np.testing.assert_allclose(_rates(options), [0.02] * (STEPS + 20), rtol=1e-6)


def _after_updates(options: OptimizerOptions, gradients: list[float]) -> float:
    variable = tf.get_variable("x", initializer=1.0)
    gradient = tf.placeholder(tf.float32, [])
    optimizer = schedules.optimizer(options, tf.constant(0.1))
    update = optimizer.apply_gradients([(gradient, variable)])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for value in gradients:
            session.run(update, {gradient: value})
        return session.run(variable)


def test_momentum():
    value = _after_updates(OptimizerOptions(momentum=0.8), [1.0, 2.0])

    assert value == pytest.approx(1.0 - 0.1 * 1.0 - 0.1 * (0.8 * 1.0 + 2.0))


def test_nesterov():
    value = _after_updates(OptimizerOptions(momentum=0.8, nesterov=True), [1.0, 2.0])

    first, second = 1.0, 0.8 * 1.0 + 2.0
    assert value == pytest.approx(1.0 - 0.1 * (1.0 + 0.8 * first) - 0.1 * (2.0 + 0.8 * second))


def test_sgd():
    assert _after_updates(OptimizerOptions(optimizer="sgd"), [1.0, 2.0]) == pytest.approx(0.7)


def test_rmsprop():
    options = OptimizerOptions(
        optimizer="rmsprop", rmsprop_decay=0.75, rmsprop_momentum=0.5, rmsprop_epsilon=1.0
    )
    value, step, mean_square = 1.0, 0.0, 1.0  # TensorFlow's mean square starts at 1.
    for gradient in (1.0, 2.0):
        mean_square = 0.75 * mean_square + 0.25 * gradient**2
        step = 0.5 * step + 0.1 * gradient / np.sqrt(mean_square + 1.0)
        value -= step

    assert _after_updates(options, [1.0, 2.0]) == pytest.approx(value, rel=1e-5)


def test_adam():
    value = _after_updates(OptimizerOptions(optimizer="adam", adam_epsilon=0.5), [2.0])

    # Kingma & Ba, arXiv 1412.6980, end of section 2: epsilon is added before bias correction.
    rate = 0.1 * np.sqrt(1 - 0.999) / (1 - 0.9)
    assert value == pytest.approx(1.0 - rate * 0.2 / (np.sqrt(0.001 * 4.0) + 0.5), rel=1e-5)


def test_slow_start_of_the_whole_training_is_refused():
    with pytest.raises(ValueError, match=r"slow_start_step is 100, .* run has only 100"):
        schedules.learning_rate(OptimizerOptions(slow_start_step=STEPS), tf.constant(0), STEPS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "lion"}, "optimizer is 'lion'; expected one of momentum, adam"),
        ({"learning_policy": "cos"}, "learning_policy is 'cos'; expected one of poly, step"),
        ({"slow_start_policy": "log"}, "slow_start_policy is 'log'; expected one of constant"),
        ({"decay_steps": -1}, "decay_steps is -1; expected 0 or more"),
        ({"learning_rate_decay_step": 0}, "learning_rate_decay_step is 0; expected at least 1"),
    ],
)
def test_impossible_options_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        OptimizerOptions(**arguments)
