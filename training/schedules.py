"""Learning rate schedules and optimizers, by the formulas of research/deeplab and slim.

'cosine' is Loshchilov & Hutter, "SGDR", arXiv 1608.03983, equation 5, without restarts.
"""

import math

import tensorflow.compat.v1 as tf

from training.options import OptimizerOptions


def learning_rate(
    options: OptimizerOptions, global_step: tf.Tensor, training_number_of_steps: int
) -> tf.Tensor:
    """Returns the learning rate of a step.

    With `adjusted = max(global_step - slow_start_step, 0)`, where global_step counts the steps done
    so far, and D the number of decay steps:

        poly   (base - end) * (1 - min(adjusted, D) / D) ** power + end
        step   base * factor ** floor(adjusted / decay_step); exponential is the same
        cosine (base - end) * (1 + cos(pi * min(adjusted, D) / D)) / 2 + end

    Raises:
      ValueError: the slow start leaves no step for the schedule.
    """
    with tf.name_scope("schedule"):
        if options.optimizer == "adam" and options.adam_learning_rate is not None:
            return tf.constant(options.adam_learning_rate, tf.float32)
        adjusted_step = tf.maximum(global_step - options.slow_start_step, 0)
        if options.learning_policy in ("poly", "cosine"):
            scheduled = _falling_rate(options, adjusted_step, training_number_of_steps)
        else:
            scheduled = tf.train.exponential_decay(
                options.base_learning_rate,
                adjusted_step,
                options.learning_rate_decay_step,
                options.learning_rate_decay_factor,
                staircase=True,
            )
        return tf.where(
            global_step < options.slow_start_step, _slow_start_rate(options, global_step), scheduled
        )


def _falling_rate(
    options: OptimizerOptions, adjusted_step: tf.Tensor, training_number_of_steps: int
) -> tf.Tensor:
    """Returns the rate of a schedule that ends at `end_learning_rate`."""
    decay_steps = options.decay_steps or training_number_of_steps - options.slow_start_step
    if decay_steps <= 0:
        raise ValueError(
            f"slow_start_step is {options.slow_start_step}, but the training run has only "
            f"{training_number_of_steps} steps."
        )
    if options.learning_policy == "poly":
        return tf.train.polynomial_decay(
            options.base_learning_rate,
            adjusted_step,
            decay_steps,
            options.end_learning_rate,
            power=options.learning_power,
        )
    done = tf.minimum(tf.cast(adjusted_step, tf.float32) / decay_steps, 1.0)
    height = options.base_learning_rate - options.end_learning_rate
    return height * 0.5 * (1.0 + tf.cos(math.pi * done)) + options.end_learning_rate


def _slow_start_rate(options: OptimizerOptions, global_step: tf.Tensor) -> tf.Tensor:
    rate = tf.constant(options.slow_start_learning_rate, tf.float32)
    if options.slow_start_policy == "constant" or not options.slow_start_step:
        return rate
    # The step after n steps is the (n + 1)th, so that the last one is just below the schedule.
    done = tf.cast(global_step + 1, tf.float32) / (options.slow_start_step + 1)
    return rate + (options.base_learning_rate - rate) * done


def optimizer(options: OptimizerOptions, rate: tf.Tensor) -> tf.train.Optimizer:
    """Returns the optimizer at a learning rate (`learning_rate`)."""
    if options.optimizer == "adam":
        return tf.train.AdamOptimizer(rate, epsilon=options.adam_epsilon)
    if options.optimizer == "sgd":
        return tf.train.GradientDescentOptimizer(rate)
    if options.optimizer == "rmsprop":
        return tf.train.RMSPropOptimizer(
            rate, options.rmsprop_decay, options.rmsprop_momentum, options.rmsprop_epsilon
        )
    return tf.train.MomentumOptimizer(rate, options.momentum, use_nesterov=options.nesterov)
