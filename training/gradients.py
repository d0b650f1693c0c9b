"""What happens to gradients before they are used: multipliers of some layers, and clipping.

`slim.learning.create_train_op(gradient_multipliers=…)` calls a name that TensorFlow has moved, so
the multiplication is done here.
"""

from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from common.texts import first_few

GradientsAndVariables = list[tuple[tf.Tensor | tf.IndexedSlices, tf.Variable]]


def select(gradients: GradientsAndVariables, scopes: Sequence[str]) -> GradientsAndVariables:
    """Returns the gradients of variables whose names begin with one of the scopes; all for none.

    Raises:
      ValueError: a scope is that of no variable.
    """
    names = [variable.op.name for _, variable in gradients]
    for scope in scopes:
        if not any(name.startswith(scope) for name in names):
            known = sorted({"/".join(name.split("/")[:2]) for name in names})
            raise ValueError(
                f"trainable_scopes has {scope!r}, with which no trainable variable begins; they "
                f"begin with {first_few(known, 20)}."
            )
    return [pair for pair in gradients if _is_in(pair[1].op.name, scopes)]


def select_regularization(losses: Sequence[tf.Tensor], scopes: Sequence[str]) -> list[tf.Tensor]:
    """Returns the regularization losses of variables in the scopes; all for none.

    TensorFlow names such a loss by its variable: `logits/weights/Regularizer/l2_regularizer`.
    """
    return [loss for loss in losses if _is_in(loss.op.name, scopes)]


def _is_in(name: str, scopes: Sequence[str]) -> bool:
    return not scopes or name.startswith(tuple(scopes))


def multiply(
    gradients: GradientsAndVariables,
    last_layer_scopes: Sequence[str],
    last_layer_multiplier: float,
    bias_multiplier: float,
) -> GradientsAndVariables:
    """Multiplies the gradients of last layers, and of the biases of all layers.

    The names of the last layers' variables begin with one of `last_layer_scopes`.
    """
    multiplied = []
    with tf.name_scope("multiply_gradients"):
        for gradient, variable in gradients:
            is_last = variable.op.name.startswith(tuple(last_layer_scopes))
            is_bias = variable.op.name.endswith("/biases")
            multiplier = last_layer_multiplier if is_last else 1.0
            multiplier *= bias_multiplier if is_bias else 1.0
            multiplied.append((_scale(gradient, multiplier), variable))
    return multiplied


def clip(
    gradients: GradientsAndVariables, clip_gradient_norm: float
) -> tuple[GradientsAndVariables, tf.Tensor]:
    """Limits the L2 norm over all gradients to `clip_gradient_norm`; 0 for no limit.

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
        values = gradient.values * multiplier
        return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
    return gradient * multiplier
