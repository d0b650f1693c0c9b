"""Finds the convolutions of a TensorFlow graph, with their rates, their offsets and their input."""

import os

import numpy as np
import tensorflow.compat.v1 as tf

from serving import graph_inspection

_KERNEL_NAMES = ("weights", "depthwise_weights")
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")
# Between a value and its use: reads of variables, names of outputs.
_PASSING = ("Identity", "ReadVariableOp", "Enter", "FakeQuantWithMinMaxVars")
_PADDING = (*_PASSING, "Pad", "PadV2", "SpaceToBatchND")
# Between a convolution and its activation: one value per channel.
_AFFINE = ("BatchToSpaceND", "BiasAdd", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")


def convolutions(output: tf.Tensor) -> dict[str, tf.Operation]:
    """Returns the convolutions that a tensor depends on, by the scope of their variables.

    Those whose kernel is not a variable of a network (that of a Laplacian) are left out. Where an
    image pyramid or multi-scale inference uses a layer several times, the first one counts.
    """
    ancestors = {output.op, *graph_inspection.ancestors(output.op)}
    found: dict[str, tf.Operation] = {}
    for operation in output.graph.get_operations():
        if operation in ancestors and operation.type in _CONVOLUTIONS:
            scope, kind = os.path.split(source(operation.inputs[1]).name)
            if kind in _KERNEL_NAMES:
                found.setdefault(scope, operation)
    return found


def rates(operations: dict[str, tf.Operation]) -> dict[str, int]:
    """Returns the vertical atrous rates of those convolutions that have one: of kernels above 1."""
    return {
        scope: _rate(each)
        for scope, each in operations.items()
        if max(each.inputs[1].shape.as_list()[:2]) > 1
    }


def network_input(operations: dict[str, tf.Operation]) -> tf.Tensor:
    """Returns the normalized images, [1, height, width, 3], that the convolutions begin with.

    Raises:
      ValueError: there is no convolution of three channels.
    """
    for operation in operations.values():
        if operation.type == "Conv2D" and operation.inputs[1].shape.as_list()[2] == 3:
            return _before(operation.inputs[0], _PADDING)
    raise ValueError("the graph holds no convolution of images of three channels.")


def source(tensor: tf.Tensor) -> tf.Operation:
    """Returns the operation that makes a tensor, before reads of variables and the like."""
    return _before(tensor, _PASSING).op


def offset(convolution: tf.Operation) -> float:
    """Returns the constant number that is added to a convolution's output before its activation."""
    tensor, total = convolution.outputs[0], 0.0
    while len(consumers := tensor.consumers()) == 1:
        (operation,) = consumers
        if operation.type in ("Add", "AddV2"):
            others = [_constant(each) for each in operation.inputs if each is not tensor]
            if not others or others[0] is None or others[0].ndim:
                break
            total += float(others[0])
        elif operation.type not in _AFFINE + _PASSING:
            break
        tensor = operation.outputs[0]
    return total


def _rate(convolution: tf.Operation) -> int:
    before = convolution.inputs[0].op
    block = _constant(before.inputs[1]) if before.type == "SpaceToBatchND" else None
    return int(convolution.get_attr("dilations")[1] * (1 if block is None else block[0]))


def _constant(tensor: tf.Tensor) -> np.ndarray | None:
    operation = source(tensor)
    return tf.make_ndarray(operation.get_attr("value")) if operation.type == "Const" else None


def _before(tensor: tf.Tensor, types: tuple[str, ...]) -> tf.Tensor:
    while tensor.op.type in types:
        tensor = tensor.op.inputs[0]
    return tensor
