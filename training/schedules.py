"""Learning rate schedules and optimizers, by the formulas and defaults of research/deeplab."""

import tensorflow.compat.v1 as tf

from training.options import OptimizerOptions


def learning_rate(
    options: OptimizerOptions, global_step: tf.Tensor, training_number_of_steps: int
) -> tf.Tensor:
    """Returns the learning rate of a step.

    With `adjusted = max(global_step - slow_start_step, 0)`, where global_step counts the steps done
    so far, and D the number of decay steps:

        poly   (base - end) * (1 - min(adjusted, D) / D) ** power + end
        step   base * factor ** floor(adjusted / decay_step)

    Raises:
      ValueError: the slow start leaves no step for the schedule.
    """
    with tf.name_scope("schedule"):
        if options.optimizer == "adam":
            return tf.constant(options.adam_learning_rate, tf.float32)
        adjusted_step = tf.maximum(global_step - options.slow_start_step, 0)
        if options.learning_policy == "poly":
            decay_steps = options.decay_steps or training_number_of_steps - options.slow_start_step
            if decay_steps <= 0:
                raise ValueError(
                    f"slow_start_step is {options.slow_start_step}, but the training run has only "
                    f"{training_number_of_steps} steps."
                )
            scheduled = tf.train.polynomial_decay(
                options.base_learning_rate,
                adjusted_step,
                decay_steps,
                options.end_learning_rate,
                power=options.learning_power,
            )
        else:
            scheduled = tf.train.exponential_decay(
                options.base_learning_rate,
                adjusted_step,
                options.learning_rate_decay_step,
                options.learning_rate_decay_factor,
                staircase=True,
            )
        return tf.where(
            global_step < options.slow_start_step,
            tf.constant(options.slow_start_learning_rate, tf.float32),
            scheduled,
        )


def optimizer(options: OptimizerOptions, rate: tf.Tensor) -> tf.train.Optimizer:
    """Returns the optimizer at a learning rate (`learning_rate`)."""
    if options.optimizer == "adam":
        return tf.train.AdamOptimizer(rate, epsilon=options.adam_epsilon)
    return tf.train.MomentumOptimizer(rate, options.momentum)
