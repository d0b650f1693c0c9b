"""Gradients between their computation and their use: layers of other learning rates, clipping.

`slim.learning.create_train_op(gradient_multipliers=…)` calls a name that TensorFlow has moved, so
the multiplication is done here.
"""

from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf

GradientsAndVariables = list[tuple[tf.Tensor | tf.IndexedSlices, tf.Variable]]

# research/deeplab: every bias learns twice as fast as the weights beside it.
_BIAS_MULTIPLIER = 2.0


def multipliers(
    variables: Sequence[tf.Variable],
    last_layer_scopes: Sequence[str],
    last_layer_gradient_multiplier: float,
) -> dict[str, float]:
    """Returns what each variable's gradient is multiplied by, where that is not 1.

    Args:
      variables: trainable variables.
      last_layer_scopes: starts of the names of the variables that a new task trains from new.
      last_layer_gradient_multiplier: multiplier of these.

    Returns:
      Multipliers by variable name. Biases have twice the multiplier of their layer.
    """
    by_name = {}
    for variable in variables:
        name = variable.op.name
        multiplier = 1.0
        if name.startswith(tuple(last_layer_scopes)):
            multiplier *= last_layer_gradient_multiplier
        if name.endswith("/biases"):
            multiplier *= _BIAS_MULTIPLIER
        if multiplier != 1.0:
            by_name[name] = multiplier
    return by_name


def multiply(
    gradients: GradientsAndVariables, multipliers_by_name: Mapping[str, float]
) -> GradientsAndVariables:
    """Multiplies the gradients of some variables.

    Args:
      gradients: (gradient, variable) pairs.
      multipliers_by_name: see `multipliers`.

    Returns:
      The pairs in the same order.
    """
    with tf.name_scope("multiply_gradients"):
        return [
            (_scale(gradient, multipliers_by_name.get(variable.op.name, 1.0)), variable)
            for gradient, variable in gradients
        ]


def clip(
    gradients: GradientsAndVariables, clip_gradient_norm: float
) -> tuple[GradientsAndVariables, tf.Tensor]:
    """Shortens the gradient of all variables together to a largest length.

    Args:
      gradients: (gradient, variable) pairs.
      clip_gradient_norm: largest L2 norm over all gradients; 0 for no limit.

    Returns:
      (the pairs in the same order, the norm before clipping as float32 scalar).
    """
    with tf.name_scope("clip_gradients"):
        values = [gradient for gradient, _ in gradients]
        norm = tf.global_norm(values)
        if clip_gradient_norm:
            values, _ = tf.clip_by_global_norm(values, clip_gradient_norm, use_norm=norm)
        return list(zip(values, (variable for _, variable in gradients), strict=True)), norm


def _scale(
    gradient: tf.Tensor | tf.IndexedSlices, multiplier: float
) -> tf.Tensor | tf.IndexedSlices:
    if multiplier == 1.0:
        return gradient
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(
            gradient.values * multiplier, gradient.indices, gradient.dense_shape
        )
    return gradient * multiplier
