"""Learning rate schedules and optimizers, by the formulas and defaults of research/deeplab."""

import dataclasses

import tensorflow.compat.v1 as tf

LEARNING_POLICIES = ("poly", "step")
OPTIMIZERS = ("momentum", "adam")


@dataclasses.dataclass(frozen=True)
class OptimizerOptions:
    """How weights follow their gradients. Names and defaults are research/deeplab's flags.

    Attributes:
      optimizer: "momentum" or "adam". Adam has the constant `adam_learning_rate` and no schedule.
      learning_policy: "poly" or "step".
      base_learning_rate: learning rate at the start of the schedule.
      end_learning_rate: learning rate at the end of "poly".
      learning_power: exponent of "poly".
      decay_steps: steps over which "poly" falls; 0 for all of the training.
      learning_rate_decay_factor: "step" multiplies by this …
      learning_rate_decay_step: … after every so many steps.
      slow_start_step: steps at a constant `slow_start_learning_rate` before the schedule begins.
      slow_start_learning_rate: see `slow_start_step`.
      momentum: of the momentum optimizer.
      adam_learning_rate, adam_epsilon: of Adam.
    """

    optimizer: str = "momentum"
    learning_policy: str = "poly"
    base_learning_rate: float = 1e-4
    end_learning_rate: float = 0.0
    learning_power: float = 0.9
    decay_steps: int = 0
    learning_rate_decay_factor: float = 0.1
    learning_rate_decay_step: int = 2000
    slow_start_step: int = 0
    slow_start_learning_rate: float = 1e-4
    momentum: float = 0.9
    adam_learning_rate: float = 1e-3
    adam_epsilon: float = 1e-8

    def __post_init__(self):
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"optimizer is {self.optimizer!r}; expected one of {', '.join(OPTIMIZERS)}."
            )
        if self.learning_policy not in LEARNING_POLICIES:
            raise ValueError(
                f"learning_policy is {self.learning_policy!r}; "
                f"expected one of {', '.join(LEARNING_POLICIES)}."
            )
        for name in ("decay_steps", "slow_start_step"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 0 or more steps.")
        if self.learning_rate_decay_step < 1:
            raise ValueError(
                f"learning_rate_decay_step is {self.learning_rate_decay_step}; "
                "expected at least 1 step."
            )


def learning_rate(
    options: OptimizerOptions, global_step: tf.Tensor, training_number_of_steps: int
) -> tf.Tensor:
    """Returns the learning rate of a step.

    With `adjusted = max(global_step - slow_start_step, 0)` and D the number of decay steps:

        poly   (base - end) * (1 - min(adjusted, D) / D) ** power + end
        step   base * factor ** floor(adjusted / decay_step)

    Args:
      options: the schedule.
      global_step: int scalar, steps done so far.
      training_number_of_steps: steps of the whole training.

    Returns:
      float32 scalar.

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
                    f"slow_start_step is {options.slow_start_step}, but the training has only "
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
