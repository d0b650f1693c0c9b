"""The backward pass of a network, in less time and memory than TensorFlow's own gradients take.

`lean_gradients` makes the operations built under it use the gradients of this module. Values are
the same up to rounding; the forward pass and so any export stay as they are.

Time, on a CPU:

- The filter gradient of a 1x1 convolution is a product of matrices, X' dY.
- The gradient of a bilinear resize is a product with two matrices (`nets.interpolation`).

- That of a depthwise convolution with respect to its inputs is a convolution with turned kernels.
- A batch norm behind a 1x1 convolution that widens needs no pass over what it normalizes
  (`nets.covariance_norm`).

Memory: TensorFlow keeps the output of each step of convolution -> (concatenation ->) batch norm ->
ReLU for the backward pass. Here the filter gradient of a 1x1 convolution of a batch norm's outputs
is made from that batch norm's inputs, and the backward pass computes again what follows from
convolutions (`nets.recomputation`), as in Chen et al., "Training Deep Nets with Sublinear Memory
Cost", arXiv 1604.06174, section 3.
"""

import contextlib
from collections.abc import Iterator

import tensorflow.compat.v1 as tf

from nets import interpolation, pointwise, recomputation
from nets.recomputation import recomputed

_Gradients = tuple[tf.Tensor | None, ...]
# Attributes that a convolution shares with its gradients.
_CONVOLUTION = ("strides", "padding", "explicit_paddings", "dilations")


@contextlib.contextmanager
def lean_gradients(recompute_activations: bool | None = None) -> Iterator[None]:
    """Within it, operations get the gradients of this module.

    Args:
      recompute_activations: see `recomputation.set_up`.
    """
    recomputation.set_up(recompute_activations)
    with tf.get_default_graph().gradient_override_map(_OVERRIDES):
        yield


@contextlib.contextmanager
def lean_statistics() -> Iterator[None]:
    """The same for statistics and normalization that are written as single operations.

    A normalizer puts those of its operations below it that have an image and a value for each of
    its channels. Without `lean_gradients` it changes nothing.
    """
    overrides = _STATISTICS_OVERRIDES if recomputation.is_set_up() else {}
    with tf.get_default_graph().gradient_override_map(overrides):
        yield


@tf.RegisterGradient("LeanConv2D")
def _conv2d(op: tf.Operation, upstream: tf.Tensor) -> _Gradients:
    attributes = _attributes(op, *_CONVOLUTION)
    filters, filter_shape = op.inputs[1], op.inputs[1].shape.as_list()
    is_product = pointwise.is_pointwise(op)
    normalized = recomputation.normalization(op.inputs[0]) if is_product else None
    inputs = recomputed(normalized[0] if normalized else op.inputs[0], upstream)
    input_gradient = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=tf.shape(inputs), filter=filters, out_backprop=upstream, **attributes
    )
    if not is_product:
        return input_gradient, tf.raw_ops.Conv2DBackpropFilter(
            input=inputs, filter_sizes=filter_shape, out_backprop=upstream, **attributes
        )
    product = tf.matmul(pointwise.rows(inputs), pointwise.rows(upstream), transpose_a=True)
    if normalized:  # (X s + t)' dY = s X' dY + t 1' dY: what was normalized is not needed.
        _, scale, shift = normalized
        total = tf.raw_ops.BiasAddGrad(out_backprop=upstream)
        product = scale[:, tf.newaxis] * product + shift[:, tf.newaxis] * total
    return input_gradient, tf.reshape(product, filter_shape)


@tf.RegisterGradient("LeanDepthwiseConv2d")
def _depthwise_conv2d(op: tf.Operation, upstream: tf.Tensor) -> _Gradients:
    attributes = _attributes(op, *_CONVOLUTION)
    filters = op.inputs[1]
    inputs = recomputed(op.inputs[0], upstream)
    return (
        _depthwise_input_gradient(op, tf.shape(inputs), upstream),
        tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
            input=inputs, filter_sizes=filters.shape, out_backprop=upstream, **attributes
        ),
    )


def _depthwise_input_gradient(
    op: tf.Operation, input_sizes: tf.Tensor, upstream: tf.Tensor
) -> tf.Tensor:
    """Where sizes stay, it is a convolution with turned kernels, which TensorFlow does faster."""
    filters = op.inputs[1]
    is_odd = all(side % 2 for side in filters.shape.as_list()[:2])
    is_same = op.get_attr("padding") == b"SAME" and {*op.get_attr("strides")} == {1}
    if is_odd and is_same and filters.shape[3].value == 1:
        return tf.raw_ops.DepthwiseConv2dNative(
            input=upstream,
            filter=tf.reverse(filters, axis=[0, 1]),
            **_attributes(op, *_CONVOLUTION),
        )
    return tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
        input_sizes=input_sizes,
        filter=filters,
        out_backprop=upstream,
        **_attributes(op, *_CONVOLUTION),
    )


@tf.RegisterGradient("LeanFusedBatchNorm")
def _fused_batch_norm(op: tf.Operation, upstream: tf.Tensor, *_) -> _Gradients:
    is_training = op.get_attr("is_training")
    mean, variance = op.outputs[3:5] if is_training else op.inputs[3:5]
    gradients = tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=upstream,
        x=recomputed(op.inputs[0], upstream),
        scale=op.inputs[1],
        reserve_space_1=mean,
        reserve_space_2=variance,
        reserve_space_3=op.outputs[5],
        is_training=is_training,
        **_attributes(op, "epsilon", "data_format"),
    )
    return *gradients[:3], None, None


@tf.RegisterGradient("LeanScale")
def _scale(op: tf.Operation, upstream: tf.Tensor) -> _Gradients:
    inputs, scale = op.inputs
    if inputs.shape.ndims == 1:  # A product of two values of each channel.
        return upstream * scale, upstream * inputs
    product = upstream * recomputed(inputs, upstream)
    return upstream * scale, tf.reduce_sum(product, axis=[0, 1, 2])


@tf.RegisterGradient("LeanSquaredDifference")
def _squared_difference(op: tf.Operation, upstream: tf.Tensor) -> _Gradients:
    """`tf.nn.moments` lets no gradient into the mean, which the difference does not change with."""
    inputs, mean = op.inputs
    return 2.0 * upstream * (recomputed(inputs, upstream) - mean), None


@tf.RegisterGradient("LeanRelu")
def _relu(op: tf.Operation, upstream: tf.Tensor) -> tf.Tensor:
    outputs = recomputed(op.outputs[0], upstream)
    return tf.raw_ops.ReluGrad(gradients=upstream, features=outputs)


@tf.RegisterGradient("LeanRelu6")
def _relu6(op: tf.Operation, upstream: tf.Tensor) -> tf.Tensor:
    outputs = recomputed(op.outputs[0], upstream)
    return tf.raw_ops.Relu6Grad(gradients=upstream, features=outputs)


@tf.RegisterGradient("LeanResizeBilinear")
def _resize_bilinear(op: tf.Operation, upstream: tf.Tensor) -> _Gradients:
    _, h, w, channels = op.inputs[0].shape.as_list()
    _, height, width, _ = op.outputs[0].shape.as_list()
    if None in (h, w, height, width, channels) or not op.get_attr("align_corners"):
        return tf.raw_ops.ResizeBilinearGrad(
            grads=upstream,
            original_image=op.inputs[0],
            **_attributes(op, "align_corners", "half_pixel_centers"),
        ), None
    if (h, w) == (height, width):
        return upstream, None
    row_weights, column_weights = interpolation.matrix(h, height), interpolation.matrix(w, width)
    upstream = tf.reshape(upstream, [-1, height, width * channels])
    rows = tf.matmul(row_weights, upstream, transpose_a=True)
    columns = tf.matmul(column_weights, tf.reshape(rows, [-1, width, channels]), transpose_a=True)
    return tf.reshape(columns, [-1, h, w, channels]), None


_OVERRIDES = {
    "Conv2D": "LeanConv2D",
    "DepthwiseConv2dNative": "LeanDepthwiseConv2d",
    "FusedBatchNormV3": "LeanFusedBatchNorm",
    "Relu": "LeanRelu",
    "Relu6": "LeanRelu6",
    "ResizeBilinear": "LeanResizeBilinear",
}
_STATISTICS_OVERRIDES = {"Mul": "LeanScale", "SquaredDifference": "LeanSquaredDifference"}


def _attributes(op: tf.Operation, *names: str) -> dict[str, object]:
    return {name: op.get_attr(name) for name in names}
