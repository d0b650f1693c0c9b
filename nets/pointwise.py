"""1x1 convolutions as what they are: products of matrices, of pixels and channels."""

import tensorflow.compat.v1 as tf


def is_pointwise(op: tf.Operation) -> bool:
    """Whether this is a 1x1 convolution of all pixels."""
    if op.type != "Conv2D" or {*op.get_attr("strides")} != {1}:
        return False
    return op.inputs[1].shape.as_list()[:2] == [1, 1]


def is_widening(op: tf.Operation) -> bool:
    """Whether this is a 1x1 convolution that at least doubles the channels of each pixel."""
    if not is_pointwise(op):
        return False
    narrow, wide = op.inputs[1].shape.as_list()[2:]
    return 2 * narrow <= wide


def rows(tensor: tf.Tensor) -> tf.Tensor:
    """[batch, height, width, channels] as [pixels, channels]."""
    return tf.reshape(tensor, [-1, tensor.shape[-1].value])


def num_pixels(tensor: tf.Tensor) -> float | tf.Tensor:
    """Returns how many values each channel has: a number if the shape is known, or a scalar."""
    known = tensor.shape[:-1].num_elements()
    if known is not None:
        return float(known)
    return tf.cast(tf.size(tensor) // tensor.shape[-1].value, tf.float32)


def unbiased_factor(count: float | tf.Tensor) -> float | tf.Tensor:
    """Returns what the variance of so many values is multiplied with for the unbiased one."""
    freedom = count - 1.0
    return count / (tf.maximum(freedom, 1.0) if tf.is_tensor(count) else max(freedom, 1.0))
