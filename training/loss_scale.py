"""Keeps the gradients of mixed precision training within the range of float16.

Micikevicius et al., "Mixed Precision Training", arXiv 1710.03740, section 3.2: gradients are taken
of the loss times a scale, so that small ones do not become 0, and divided by it before they are
used. A step whose gradients overflow is skipped and halves the scale; many steps without an
overflow double it.

TensorFlow's `MixedPrecisionLossScaleOptimizer` does the same behind the optimizer, where the check
of a step (`training.nan_guard`) could not tell an overflow from a training run that has diverged.
Checkpoints do not hold the scale; after a restart it takes a few steps to find it again.
"""

import tensorflow.compat.v1 as tf

# As TensorFlow's DynamicLossScale.
_START = 2.0**15
_STEPS_UNTIL_DOUBLED = 2000
_LARGEST = 2.0**24


class LossScale:
    """The scale of a graph's loss. Makes two local variables on the current device."""

    def __init__(self):
        with tf.variable_scope("loss_scale"):
            self.value = _local_variable("scale", _START)
            self._good_steps = _local_variable("good_steps", 0.0)

    def is_overflow(self, loss: tf.Tensor, gradient_norm: tf.Tensor) -> tf.Tensor:
        """Returns whether a smaller scale may help: bool scalar.

        It cannot where the loss itself, which is not scaled, is not finite, nor where the scale is
        down to 1.
        """
        return tf.is_finite(loss) & ~tf.is_finite(gradient_norm) & (self.value > 1.0)

    def update(self, is_overflow: tf.Tensor) -> tf.Operation:
        """Returns the op that adapts the scale; run it when the step's gradients are there."""
        good_steps = tf.where(is_overflow, 0.0, self._good_steps + 1.0)
        is_due = good_steps >= _STEPS_UNTIL_DOUBLED
        raised = tf.minimum(self.value * 2.0, _LARGEST)
        kept_or_raised = tf.where(is_due, raised, tf.identity(self.value))
        scale = tf.where(is_overflow, tf.maximum(self.value * 0.5, 1.0), kept_or_raised)
        # Both are read before either is written.
        with tf.control_dependencies([scale, good_steps]):
            return tf.group(
                tf.assign(self.value, scale),
                tf.assign(self._good_steps, tf.where(is_due, 0.0, good_steps)),
            )


def _local_variable(name: str, value: float) -> tf.Variable:
    return tf.get_variable(
        name,
        initializer=value,
        trainable=False,
        collections=[tf.GraphKeys.LOCAL_VARIABLES],
        use_resource=True,
    )
