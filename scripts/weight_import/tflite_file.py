"""A TFLite file: the kernels and biases of its convolutions, and its class scores for an image.

The file's kernels are [out, height, width, in], depthwise [1, height, width, channels]; an atrous
rate is an attribute, or a SPACE_TO_BATCH_ND before. Converters fold batch norm into both.
"""

import re
from typing import NamedTuple

import numpy as np

from scripts.weight_import import batch_norm_statistics
from scripts.weight_import.batch_norm_statistics import Statistics
from scripts.weight_import.images import Images
from scripts.weight_import.network import Network
from scripts.weight_import.tflite_graph import Operator, TFLiteGraph

_FEW_IMAGES = 100
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
# Operations and variables in the scope of a layer; converters number some and join several by ";".
_LAYER_PART = re.compile(
    r"(.+?)/(?:(?:depthwise_)?weights(?:_quant/.*)?|biases|BatchNorm/\w+|BiasAdd|Relu6?|Conv2D"
    r"(?:_bias|_Fold_bias)?|depthwise(?:_bias|_Fold_bias)?|separable_conv2d.*)\d*"
)


class _Layer(NamedTuple):
    """A convolution; weights [height, width, in, out], depthwise [height, width, channels, 1]."""

    kernel_name: str
    weights: np.ndarray
    bias: np.ndarray
    rate: int
    is_quantized: bool


class TFLiteFile:
    """A TFLite file that predicts the class of each pixel of an image.

    Attributes:
      crop_size, network_size: (height, width) of the images that it takes.
      rates: atrous rates of its convolutions by the scope of their variables.
      is_quantized: whether it holds kernels as integers.

    Raises:
      ValueError: it is damaged, not a segmentation network, or does not name its layers; the
        message names the file.
      OSError: it cannot be opened.
    """

    def __init__(self, path: str):
        self.path = path
        graph = TFLiteGraph(path)
        self.run = graph.run
        self.crop_size = self.network_size = graph.crop_size
        self.num_classes = graph.num_classes
        self._layers = _read_layers(graph)
        self.rates = {
            scope: layer.rate
            for scope, layer in self._layers.items()
            if max(layer.weights.shape[:2]) > 1
        }
        self.is_quantized = any(layer.is_quantized for layer in self._layers.values())

    def fill(self, network: Network, images: Images) -> None:
        """Gives a network the values of the file, and batch norm the statistics of images.

        Raises:
          ValueError: the values do not fit.
        """
        network.load(self._values(network, {}), self.path)
        if not images.paths:
            print(
                "batch norm: mean 0 and variance 1, because no images are given. The function is "
                "the file's, but do not train from it: give --calibration_images for that."
            )
            return
        statistics = batch_norm_statistics.measure(network, images)
        network.load(self._values(network, statistics), self.path)
        text = f"batch norm: mean and variance of its inputs over {len(images.paths)} images"
        if len(images.paths) < _FEW_IMAGES:
            # Image pooling sees one value of a channel in each image.
            text += f"; give {_FEW_IMAGES} or more before training it (--fine_tune_batch_norm)"
        print(text)

    def _values(self, network: Network, statistics: dict[str, Statistics]) -> dict[str, np.ndarray]:
        """Returns variables by name; batch norm without statistics has mean 0 and variance 1."""
        values = {}
        for scope, layer in self._layers.items():
            values[f"{scope}/{layer.kernel_name}"] = layer.weights
            if scope in network.batch_norms:
                identity = Statistics(np.zeros_like(layer.bias), np.ones_like(layer.bias))
                made = batch_norm_statistics.variables(
                    layer.bias,
                    statistics.get(scope, identity),
                    network.batch_norms[scope].get_attr("epsilon"),
                )
                values.update({f"{scope}/BatchNorm/{name}": value for name, value in made.items()})
            else:
                offset = np.float32(network.offsets.get(scope, 0.0))
                values[f"{scope}/biases"] = layer.bias - offset
        return values


def _read_layers(graph: TFLiteGraph) -> dict[str, _Layer]:
    """Returns the convolutions of a file by the scope of their variables.

    Raises:
      ValueError: the file does not say their names, or a kernel is not a constant.
    """
    layers: dict[str, _Layer] = {}
    for operator in graph.operators:
        if operator.kind in _CONVOLUTIONS:
            name = _name(graph, operator)
            if name in layers:
                raise ValueError(f"{graph.path} has two layers {name}; expected one image scale.")
            layers[name] = _read(graph, operator)
    if not layers:
        raise ValueError(f"{graph.path} is not a segmentation network: it holds no convolution.")
    return layers


def _name(graph: TFLiteGraph, operator: Operator) -> str:
    # The output first: converters keep equal constants, such as biases of zeros, only once.
    for tensor in (*operator.outputs, *operator.inputs[1:]):
        for part in graph.name(tensor).split(";") if tensor >= 0 else ():
            if match := _LAYER_PART.fullmatch(part):
                return match[1]
    raise ValueError(
        f"{graph.path} does not name its layers: one makes {graph.name(operator.outputs[0])!r}; "
        "expected a name of research/deeplab, such as MobilenetV2/Conv/Relu6. Convert the network "
        "again from its frozen graph, or import that."
    )


def _read(graph: TFLiteGraph, operator: Operator) -> _Layer:
    is_depthwise = operator.kind == "DEPTHWISE_CONV_2D"
    weights = graph.constant(operator.inputs[1])
    if weights is None:
        raise ValueError(f"{graph.path} computes the kernel {graph.name(operator.inputs[1])!r}.")
    weights = weights.transpose(1, 2, 3, 0)
    rate = operator.options.dilationHFactor
    before = graph.producers.get(operator.inputs[0])
    if before is not None and before.kind == "SPACE_TO_BATCH_ND":
        block = graph.constant(before.inputs[1])
        rate *= 1 if block is None else int(block[0])
    channels = weights.shape[2 if is_depthwise else 3]
    bias = graph.constant(operator.inputs[2]) if len(operator.inputs) > 2 else None
    return _Layer(
        "depthwise_weights" if is_depthwise else "weights",
        weights,
        np.zeros(channels, np.float32) if bias is None else bias.reshape(channels),
        rate,
        graph.is_quantized(operator.inputs[1]),
    )
