"""Tensors that the backward pass computes a second time instead of keeping them.

Only what costs one or two passes over memory is recomputed: concatenations; a trained batch norm,
from its input and the statistics that the forward pass found; and what is made of these by ReLU,
padding or resizing. Convolutions and sums are kept.

In a DenseNet, whose every unit normalizes all channels before it, this is what makes memory grow
with the number of units instead of its square.
"""

import tensorflow.compat.v1 as tf

# Holds one dict {reference of a tensor: the tensor computed again}, or None: nothing is recomputed.
_COLLECTION = "recomputed_tensors"
# Operations that are repeated as they are if their first input is recomputed.
_REPEATED = {
    "Relu": tf.nn.relu,
    "Relu6": tf.nn.relu6,
    "Identity": tf.identity,
    "SpaceToBatchND": tf.space_to_batch_nd,
    "Pad": tf.pad,
}


def set_up(recompute: bool) -> None:
    """Decides for the current graph, at the first call, whether `recomputed` recomputes.

    Without it, the backward pass is faster and takes more memory.
    """
    if not tf.get_collection_ref(_COLLECTION):
        tf.add_to_collection(_COLLECTION, {} if recompute else None)


def is_set_up() -> bool:
    """Whether `set_up` was called for the current graph."""
    return bool(tf.get_collection(_COLLECTION))


def recomputed(tensor: tf.Tensor, trigger: tf.Tensor) -> tf.Tensor:
    """Returns a tensor with the same values, so that the given one can be freed after its use.

    Args:
      tensor: a tensor of the forward pass.
      trigger: nothing is recomputed before this tensor is there; a gradient of the backward pass.

    Returns:
      The same tensor for each call; `tensor` itself where it has to be kept.
    """
    (done,) = tf.get_collection(_COLLECTION)
    if done is None or not _is_cheap(tensor):
        return tensor
    if tensor.ref() not in done:
        with tf.control_dependencies([trigger]), tf.name_scope("recompute"):
            done[tensor.ref()] = _compute(tensor, trigger)
    return done[tensor.ref()]


def _is_cheap(tensor: tf.Tensor) -> bool:
    op = tensor.op
    if op.type == "FusedBatchNormV3":
        return op.get_attr("is_training") and tensor is op.outputs[0]
    if op.type in _REPEATED:
        return _is_cheap(op.inputs[0])
    if op.type == "AddV2":
        return _is_synchronized_norm(op)
    return op.type in ("ConcatV2", "ResizeBilinear")


def _compute(tensor: tf.Tensor, trigger: tf.Tensor) -> tf.Tensor:
    op = tensor.op
    if op.type == "FusedBatchNormV3":
        return _batch_norm(op, recomputed(op.inputs[0], trigger))
    if op.type == "AddV2":
        product, shift = op.inputs
        inputs, scale = product.op.inputs
        return _scaled(recomputed(inputs, trigger), scale, shift)
    if op.type == "ConcatV2":
        parts = [recomputed(part, trigger) for part in _joined(op)]
        return tf.concat(parts, axis=op.inputs[-1])
    inputs = [recomputed(each, trigger) for each in op.inputs]
    if op.type == "ResizeBilinear":
        corners = {name: op.get_attr(name) for name in ("align_corners", "half_pixel_centers")}
        return tf.raw_ops.ResizeBilinear(images=inputs[0], size=inputs[1], **corners)
    return _REPEATED[op.type](*inputs)


def _joined(op: tf.Operation) -> list[tf.Tensor]:
    """Returns what a concatenation joins, and in place of a concatenation in turn, what that joins.

    Each could be computed from the one before it, but would then stay until that is needed.
    """
    axis = tf.get_static_value(op.inputs[-1])
    parts = []
    for part in op.inputs[:-1]:
        is_nested = part.op.type == "ConcatV2" and axis is not None
        if is_nested and tf.get_static_value(part.op.inputs[-1]) == axis:
            parts += _joined(part.op)
        else:
            parts.append(part)
    return parts


def _is_synchronized_norm(op: tf.Operation) -> bool:
    """Whether this is inputs * scale + shift, as `tf.nn.batch_normalization` writes it."""
    product, shift = op.inputs
    return (
        product.op.type == "Mul"
        and product.shape.ndims == 4
        and product.op.inputs[1].shape.ndims == 1
        and shift.shape.ndims == 1
    )


def _batch_norm(op: tf.Operation, inputs: tf.Tensor) -> tf.Tensor:
    """Repeats a trained batch norm with the statistics of its batch, as scale and shift."""
    gamma, beta = op.inputs[1:3]
    _, mean, unbiased_variance = op.outputs[:3]
    depth = inputs.shape[-1].value
    count = tf.cast(tf.size(inputs) // depth, tf.float32)
    variance = unbiased_variance * (tf.maximum(count - 1.0, 1.0) / count)
    scale = gamma * tf.rsqrt(variance + op.get_attr("epsilon"))
    return _scaled(inputs, scale, beta - mean * scale)


def _scaled(inputs: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Scales and shifts each channel of [batch, height, width, channels].

    Written as a depthwise 1x1 convolution with biases, which TensorFlow fuses with the ReLU after
    it: one pass over memory instead of the three of a batch norm and a ReLU.
    """
    scale = tf.reshape(scale, [1, 1, inputs.shape[-1].value, 1])
    scaled = tf.nn.depthwise_conv2d(inputs, scale, strides=[1, 1, 1, 1], padding="SAME")
    return tf.nn.bias_add(scaled, shift)
