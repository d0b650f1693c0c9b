"""Tensors that the backward pass computes a second time instead of keeping them.

What costs one pass over memory is recomputed always: copies (concatenations, padding,
space-to-batch), resizes, and a trained batch norm, from its input and the statistics that the
forward pass found; with the ReLU after each. Where memory is scarce, 1x1 convolutions that widen
and have batch norm in their weights (`nets.covariance_norm`) come besides. Other convolutions and
sums are kept.

In a DenseNet, whose every unit normalizes all channels before it, this is what makes memory grow
with the number of units instead of its square.
"""

import dataclasses
from typing import Any

import tensorflow.compat.v1 as tf

from nets import pointwise

# Holds one `_Plan`.
_COLLECTION = "recomputed_tensors"
# Operations that are repeated as they are if their first input is recomputed.
_REPEATED = {"Relu": tf.nn.relu, "Relu6": tf.nn.relu6, "Identity": tf.identity}
# The same whatever their input is.
_COPIES = {"SpaceToBatchND": tf.space_to_batch_nd, "Pad": tf.pad}
# What types of operations are called where a user reads of them.
_WORDS = {
    "batch norm": {"FusedBatchNormV3", "AddV2"},
    "convolutions": {"BiasAdd"},
    "resizing": {"ResizeBilinear"},
    "copies": {"ConcatV2", *_COPIES},
}


@dataclasses.dataclass
class _Plan:
    """What is recomputed in a graph, and the tensors that were, by reference of the forward one."""

    recompute: bool | None
    done: dict[Any, tf.Tensor] = dataclasses.field(default_factory=dict)


def set_up(recompute: bool | None) -> None:
    """Decides for the current graph, at the first call, what `recomputed` recomputes.

    Args:
      recompute: True for all that the module docstring names; None for all but convolutions;
        False for nothing.
    """
    if not tf.get_collection_ref(_COLLECTION):
        tf.add_to_collection(_COLLECTION, _Plan(recompute))


def is_set_up() -> bool:
    """Whether `set_up` was called for the current graph."""
    return bool(tf.get_collection(_COLLECTION))


def describe() -> str:
    """Returns what the current graph computes again: "batch norm, copies"; "" for nothing."""
    plans: list[_Plan] = tf.get_collection(_COLLECTION)
    types = {reference.deref().op.type for plan in plans for reference in plan.done}
    return ", ".join(words for words, those in _WORDS.items() if types & those)


def recomputed(tensor: tf.Tensor, trigger: tf.Tensor) -> tf.Tensor:
    """Returns a tensor with the same values, so that the given one can be freed after its use.

    Args:
      tensor: a tensor of the forward pass.
      trigger: nothing is recomputed before this tensor is there; a gradient of the backward pass.

    Returns:
      The same tensor for each call; `tensor` itself where it has to be kept.
    """
    (plan,) = tf.get_collection(_COLLECTION)
    if plan.recompute is False or not _is_recomputed(tensor, bool(plan.recompute)):
        return tensor
    if tensor.ref() not in plan.done:
        with tf.control_dependencies([trigger]), tf.name_scope("recompute"):
            plan.done[tensor.ref()] = _compute(tensor, trigger)
    return plan.done[tensor.ref()]


def normalization(tensor: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor] | None:
    """Returns (inputs, scale, shift) of a trained batch norm: outputs = inputs * scale + shift.

    Returns:
      Inputs [batch, height, width, channels], and two values for each channel; None of any other
      operation's outputs.
    """
    op = tensor.op
    if not _is_trained_norm(tensor):
        return None
    inputs, gamma, beta = op.inputs[:3]
    _, mean, unbiased_variance = op.outputs[:3]
    variance = unbiased_variance / pointwise.unbiased_factor(pointwise.num_pixels(inputs))
    scale = gamma * tf.rsqrt(variance + op.get_attr("epsilon"))
    return inputs, scale, beta - mean * scale


def _is_trained_norm(tensor: tf.Tensor) -> bool:
    op = tensor.op
    return op.type == "FusedBatchNormV3" and op.get_attr("is_training") and tensor is op.outputs[0]


def _is_recomputed(tensor: tf.Tensor, with_convolutions: bool) -> bool:
    op = tensor.op
    if op.type == "FusedBatchNormV3":
        return _is_trained_norm(tensor)
    if op.type in _REPEATED:
        return _is_recomputed(op.inputs[0], with_convolutions)
    if op.type == "AddV2":
        return _is_synchronized_norm(op)
    if op.type == "BiasAdd":
        return with_convolutions and _is_normalized_convolution(op)
    return op.type in ("ConcatV2", "ResizeBilinear", *_COPIES)


def _compute(tensor: tf.Tensor, trigger: tf.Tensor) -> tf.Tensor:
    op = tensor.op
    normalized = normalization(tensor)
    if normalized is not None:
        inputs, scale, shift = normalized
        return _scaled(recomputed(inputs, trigger), scale, shift)
    if op.type == "AddV2":
        product, shift = op.inputs
        inputs, scale = product.op.inputs
        return _scaled(recomputed(inputs, trigger), scale, shift)
    if op.type == "BiasAdd":
        convolution = op.inputs[0].op
        inputs = recomputed(convolution.inputs[0], trigger)
        # The trigger then waits before this, and the convolution can be fused with what follows.
        filters = tf.reshape(convolution.inputs[1].op.inputs[0], convolution.inputs[1].shape)
        outputs = tf.nn.conv2d(inputs, filters, strides=1, padding="VALID")
        return tf.nn.bias_add(outputs, op.inputs[1])
    if op.type == "ConcatV2":
        parts = [recomputed(part, trigger) for part in _joined(op)]
        return tf.concat(parts, axis=op.inputs[-1])
    inputs = [recomputed(each, trigger) for each in op.inputs]
    if op.type == "ResizeBilinear":
        corners = {name: op.get_attr(name) for name in ("align_corners", "half_pixel_centers")}
        return tf.raw_ops.ResizeBilinear(images=inputs[0], size=inputs[1], **corners)
    return (_REPEATED | _COPIES)[op.type](*inputs)


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


def _is_normalized_convolution(op: tf.Operation) -> bool:
    """Whether batch norm is in the weights of this convolution (`nets.covariance_norm`)."""
    convolution = op.inputs[0].op
    return pointwise.is_widening(convolution) and convolution.inputs[1].op.type == "Reshape"


def _is_synchronized_norm(op: tf.Operation) -> bool:
    """Whether this is inputs * scale + shift, as `tf.nn.batch_normalization` writes it."""
    product, shift = op.inputs
    return (
        product.op.type == "Mul"
        and product.shape.ndims == 4
        and product.op.inputs[1].shape.ndims == 1
        and shift.shape.ndims == 1
    )


def _scaled(inputs: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Scales and shifts each channel of [batch, height, width, channels].

    Written as a depthwise 1x1 convolution with biases, which TensorFlow fuses with the ReLU after
    it: one pass over memory instead of the three of a batch norm and a ReLU.
    """
    scale = tf.reshape(scale, [1, 1, inputs.shape[-1].value, 1])
    scaled = tf.nn.depthwise_conv2d(inputs, scale, strides=[1, 1, 1, 1], padding="SAME")
    return tf.nn.bias_add(scaled, shift)
