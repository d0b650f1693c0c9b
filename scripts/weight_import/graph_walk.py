"""Finding one's way in a TensorFlow graph: what makes, and what follows, a tensor."""

import os

import numpy as np
import tensorflow.compat.v1 as tf

from scripts.weight_import.convolution import KERNEL_NAMES

_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")
# What stands between a value and where it is used: reads of variables, names of outputs.
_PASSING = ("Identity", "ReadVariableOp", "Enter", "FakeQuantWithMinMaxVars")
_PADDING = (*_PASSING, "Pad", "PadV2", "SpaceToBatchND")
# What turns a convolution's output into its activation's input: one value a channel.
_AFFINE = ("BatchToSpaceND", "BiasAdd", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
_ADDITIONS = ("Add", "AddV2")
_ACTIVATIONS = {"Relu": "relu", "Relu6": "relu6"}


def convolutions(output: tf.Tensor) -> dict[str, tf.Operation]:
    """Returns the convolutions that a tensor depends on, by the scope of their variables.

    Those whose kernel is no variable of a network (one for a Laplacian) are left out.
    """
    found = {}
    for operation in _ancestors(output.op):
        if operation.type in _CONVOLUTIONS:
            scope, kind = os.path.split(source(operation.inputs[1]).name)
            if kind in KERNEL_NAMES:
                found.setdefault(scope, operation)
    return found


def network_input(output: tf.Tensor) -> tf.Tensor:
    """Returns the normalised images, [1, height, width, 3], that a network begins with.

    Raises:
      ValueError: no convolution of three channels is there.
    """
    for operation in convolutions(output).values():
        if operation.type == "Conv2D" and operation.inputs[1].shape.as_list()[2] == 3:
            return before_padding(operation)
    raise ValueError("the graph holds no convolution of images of three channels.")


def source(tensor: tf.Tensor) -> tf.Operation:
    """Returns what makes a tensor, behind reads of variables and the like."""
    return _behind(tensor, _PASSING).op


def before_padding(convolution: tf.Operation) -> tf.Tensor:
    """Returns the feature map that a convolution convolves, before padding or space-to-batch."""
    return _behind(convolution.inputs[0], _PADDING)


def rate(convolution: tf.Operation) -> int:
    """Returns the vertical atrous rate of a convolution."""
    before = convolution.inputs[0].op
    block = constant(before.inputs[1]) if before.type == "SpaceToBatchND" else None
    return convolution.get_attr("dilations")[1] * (1 if block is None else int(block[0]))


def constant(tensor: tf.Tensor) -> np.ndarray | None:
    """Returns the value of a tensor that is a constant, else None."""
    operation = source(tensor)
    return tf.make_ndarray(operation.get_attr("value")) if operation.type == "Const" else None


def activation(convolution: tf.Operation) -> tuple[str, float]:
    """Returns ("relu", "relu6" or "", the constant number that is added in front of it)."""
    tensor, offset = convolution.outputs[0], 0.0
    while len(consumers := tensor.consumers()) == 1:
        (operation,) = consumers
        if operation.type in _ACTIVATIONS:
            return _ACTIVATIONS[operation.type], offset
        if operation.type in _ADDITIONS and (value := _scalar_beside(operation, tensor)):
            offset += value
        elif operation.type not in _AFFINE + _PASSING:
            break
        tensor = operation.outputs[0]
    return "", offset


def _scalar_beside(operation: tf.Operation, tensor: tf.Tensor) -> float | None:
    """Returns the other operand of an addition if that is one constant number."""
    for other in operation.inputs:
        if other is not tensor and (value := constant(other)) is not None and value.ndim == 0:
            return float(value)
    return None


def _ancestors(output: tf.Operation) -> list[tf.Operation]:
    """Returns what an operation depends on, and itself, in the graph's order."""
    found = set()
    stack = [output]
    while stack:
        operation = stack.pop()
        if operation not in found:
            found.add(operation)
            stack.extend(tensor.op for tensor in operation.inputs)
    return [operation for operation in output.graph.get_operations() if operation in found]


def _behind(tensor: tf.Tensor, types: tuple[str, ...]) -> tf.Tensor:
    while tensor.op.type in types:
        tensor = tensor.op.inputs[0]
    return tensor
