"""The convolutions of a TFLite file, with kernel and bias in TensorFlow's layout.

The file's kernels are [out, height, width, in], depthwise [1, height, width, channels]; an atrous
rate is an attribute, or a SPACE_TO_BATCH_ND in front. Batch norm is folded into kernel and bias, or
follows as a multiplication and an addition.
"""

import re
from typing import NamedTuple

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from scripts.weight_import.convolution import KERNEL_NAMES, Convolution
from scripts.weight_import.tflite_file import Operator, TFLiteFile

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_ACTIVATIONS = {
    schema.ActivationFunctionType.RELU: "relu",
    schema.ActivationFunctionType.RELU6: "relu6",
}
_ACTIVATION_OPERATORS = {"RELU": "relu", "RELU6": "relu6"}
_COPIES = ("QUANTIZE", "DEQUANTIZE", "BATCH_TO_SPACE_ND")
# Operations and variables in the scope of a layer; converters number some and join several by ";".
_LAYER_PART = re.compile(
    r"(.+?)/(?:(?:depthwise_)?weights(?:_quant/.*)?|biases|BatchNorm/\w+|BiasAdd|Relu6?|Conv2D"
    r"(?:_bias|_Fold_bias)?|depthwise(?:_bias|_Fold_bias)?|separable_conv2d.*)\d*"
)


class FoldedLayer(NamedTuple):
    """A convolution and its values.

    Attributes:
      convolution: what it is.
      weights: float32 of the convolution's shape.
      bias: float32 [channels out], what is added before the activation.
      is_quantized: whether the file holds it as integers.
    """

    convolution: Convolution
    weights: np.ndarray
    bias: np.ndarray
    is_quantized: bool


def read_layers(file: TFLiteFile) -> dict[str, FoldedLayer]:
    """Returns the convolutions of a file by the scope of their variables.

    Raises:
      ValueError: the file does not say their names, or a kernel is no constant.
    """
    layers: dict[str, FoldedLayer] = {}
    for operator in file.operators:
        if operator.kind not in _CONVOLUTIONS:
            continue
        name = _name(file, operator)
        if name in layers:
            raise ValueError(f"{file.path} has two layers {name}; expected one image scale.")
        layers[name] = _read(file, operator)
    if not layers:
        raise ValueError(f"{file.path} is no segmentation network: it holds no convolution.")
    return layers


def _name(file: TFLiteFile, operator: Operator) -> str:
    # The output first: converters keep equal constants, such as biases of zeros, only once.
    for tensor in (*operator.outputs, *operator.inputs[1:]):
        for part in file.name(tensor).split(";") if tensor >= 0 else ():
            if match := _LAYER_PART.fullmatch(part):
                return match[1]
    raise ValueError(
        f"{file.path} does not name its layers: one makes {file.name(operator.outputs[0])!r}; "
        "expected a name of research/deeplab, such as MobilenetV2/Conv/Relu6. Convert the network "
        "again from its frozen graph, or import that."
    )


def _read(file: TFLiteFile, operator: Operator) -> FoldedLayer:
    options = operator.options
    is_depthwise = operator.kind == "DEPTHWISE_CONV_2D"
    weights = file.constant(operator.inputs[1])
    if weights is None:
        raise ValueError(f"{file.path} computes the kernel {file.name(operator.inputs[1])!r}.")
    if is_depthwise:
        weights = weights.reshape(*weights.shape[1:3], -1, options.depthMultiplier)
    else:
        weights = weights.transpose(1, 2, 3, 0)
    rate, inputs = options.dilationHFactor, operator.inputs[0]
    before = file.producer(inputs)
    if before is not None and before.kind == "SPACE_TO_BATCH_ND":
        rate *= int(file.constant(before.inputs[1])[0])
        inputs = before.inputs[0]
    tail = _follow(file, operator)
    channels = weights.shape[2] if is_depthwise else weights.shape[3]
    bias = file.constant(operator.inputs[2]) if len(operator.inputs) > 2 else None
    bias = np.zeros(channels, np.float32) if bias is None else bias.reshape(channels)
    factor = np.broadcast_to(tail.factor, channels)
    convolution = Convolution(
        kernel_name=KERNEL_NAMES[is_depthwise],
        shape=weights.shape,
        rate=rate,
        input_size=file.shape(inputs)[1:3],
        activation=tail.activation,
        pooling=_pooling(file.producer(inputs)),
    )
    return FoldedLayer(
        convolution,
        (weights * (factor[:, None] if is_depthwise else factor)).astype(np.float32),
        (bias * factor + tail.summand).astype(np.float32),
        file.is_quantized(operator.inputs[1]),
    )


class _Tail(NamedTuple):
    """What follows a convolution up to its activation: x * factor + summand."""

    factor: np.ndarray
    summand: np.ndarray
    activation: str


def _follow(file: TFLiteFile, operator: Operator) -> _Tail:
    factor, summand = np.ones(()), np.zeros(())
    while True:
        fused = getattr(operator.options, "fusedActivationFunction", 0)
        (tensor,) = operator.outputs
        consumers = file.consumers(tensor)
        if fused or len(consumers) != 1:
            return _Tail(factor, summand, _ACTIVATIONS.get(fused, ""))
        (operator,) = consumers
        if operator.kind in _COPIES:
            continue
        if operator.kind in _ACTIVATION_OPERATORS:
            return _Tail(factor, summand, _ACTIVATION_OPERATORS[operator.kind])
        value = _constant_beside(file, operator, tensor)
        if operator.kind == "MUL" and value is not None:
            factor, summand = factor * value, summand * value
        elif operator.kind == "ADD" and value is not None:
            summand = summand + value
        else:
            return _Tail(factor, summand, "")


def _constant_beside(file: TFLiteFile, operator: Operator, tensor: int) -> np.ndarray | None:
    """Returns the other operand of an operator, if it is one constant or one for each channel."""
    for other in operator.inputs:
        value = None if other == tensor else file.constant(other)
        if value is not None and value.size == max(value.shape[-1:], default=1):
            return value.reshape(-1) if value.ndim else value
    return None


def _pooling(operator: Operator | None) -> tuple[tuple[int, int], tuple[int, int]] | None:
    if operator is None or operator.kind != "AVERAGE_POOL_2D":
        return None
    options = operator.options
    return (options.filterHeight, options.filterWidth), (options.strideH, options.strideW)
