"""Convolutions, pooling and batch norms: operations on images with their channels first."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from export.to_onnx.model_builder import Layout, ModelBuilder, needed_constant

_FIRST = Layout.CHANNELS_FIRST


def _conv2d(model: ModelBuilder, operation: tf.Operation) -> None:
    kernel = needed_constant(operation, 1)
    groups = operation.inputs[0].shape.as_list()[3] // kernel.shape[2]
    _convolve(model, operation, kernel.transpose(3, 2, 0, 1), groups)


def _depthwise_conv2d(model: ModelBuilder, operation: tf.Operation) -> None:
    kernel = needed_constant(operation, 1)
    height, width, depth, multiplier = kernel.shape
    kernel = kernel.transpose(2, 3, 0, 1).reshape(depth * multiplier, 1, height, width)
    _convolve(model, operation, kernel, depth)


def _convolve(
    model: ModelBuilder, operation: tf.Operation, kernel: np.ndarray, groups: int
) -> None:
    """Adds a convolution with a kernel [outputs, inputs of a group, height, width]."""
    _check_layout(operation)
    dilations = list(operation.get_attr("dilations"))[1:3]
    images = operation.inputs[0]
    sides = [(side - 1) * rate + 1 for side, rate in zip(kernel.shape[2:], dilations, strict=True)]
    convolved = model.add(
        "Conv",
        [model.name(images, _FIRST), model.literal(kernel, operation.inputs[1].op.name)],
        kernel_shape=kernel.shape[2:],
        strides=list(operation.get_attr("strides"))[1:3],
        dilations=dilations,
        pads=_pads(operation, sides),
        group=groups,
    )
    model.put(operation.outputs[0], convolved, _FIRST)


def _pool(model: ModelBuilder, operation: tf.Operation) -> None:
    _check_layout(operation)
    kernel = list(operation.get_attr("ksize"))[1:3]
    is_average = operation.type == "AvgPool"
    pooled = model.add(
        "AveragePool" if is_average else "MaxPool",
        [model.name(operation.inputs[0], _FIRST)],
        kernel_shape=kernel,
        strides=list(operation.get_attr("strides"))[1:3],
        pads=_pads(operation, kernel),
        # TensorFlow's averages do not count what lies outside.
        **({"count_include_pad": 0} if is_average else {}),
    )
    model.put(operation.outputs[0], pooled, _FIRST)


def _pads(operation: tf.Operation, kernel: Sequence[int]) -> list[int]:
    """Returns rows and columns of padding: above, on the left, below, on the right."""
    padding = operation.get_attr("padding")
    if padding == b"VALID":
        return [0, 0, 0, 0]
    if padding == b"EXPLICIT":
        top, bottom, left, right = list(operation.get_attr("explicit_paddings"))[2:6]
        return [top, left, bottom, right]
    before, after = [], []
    sizes = (tensor.shape.as_list()[1:3] for tensor in (operation.inputs[0], operation.outputs[0]))
    strides = list(operation.get_attr("strides"))[1:3]
    for side, output, window, stride in zip(*sizes, kernel, strides, strict=True):
        if side is None:
            raise ValueError(
                f"{operation.type} {operation.name} cannot be written as ONNX: the size of its "
                "input is not known."
            )
        total = max((output - 1) * stride + window - side, 0)
        before.append(total // 2)
        after.append(total - total // 2)
    return [*before, *after]


def _batch_norm(model: ModelBuilder, operation: tf.Operation) -> None:
    _check_layout(operation)
    if operation.get_attr("is_training"):
        raise ValueError(f"{operation.type} {operation.name} is for training.")
    images, *statistics = operation.inputs
    normalized = model.add(
        "BatchNormalization",
        [model.name(images, _FIRST), *map(model.name, statistics)],
        epsilon=operation.get_attr("epsilon"),
    )
    model.put(operation.outputs[0], normalized, _FIRST)


def _check_layout(operation: tf.Operation) -> None:
    layout = operation.get_attr("data_format").decode()
    if layout != "NHWC":
        raise ValueError(
            f"{operation.type} {operation.name} cannot be written as ONNX: its layout is {layout}; "
            "expected NHWC."
        )


CONVERSIONS: dict[str, Callable[[ModelBuilder, tf.Operation], None]] = {
    "AvgPool": _pool,
    "Conv2D": _conv2d,
    "DepthwiseConv2dNative": _depthwise_conv2d,
    "FusedBatchNorm": _batch_norm,
    "FusedBatchNormV2": _batch_norm,
    "FusedBatchNormV3": _batch_norm,
    "MaxPool": _pool,
}
