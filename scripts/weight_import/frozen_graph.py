"""A frozen graph: its constants by variable name, its convolutions, and its logits of an image."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import tensorflow.compat.v1 as tf

from common import export_names, json_files
from deeplab.run_description import RunDescription, parse_description
from scripts.weight_import import graph_walk
from scripts.weight_import.convolution import KERNEL_NAMES, Convolution
from serving import graph_inspection
from serving.contract import INPUT, PREDICTIONS
from serving.export_file import read_export

# What stands between the logits and the class of a pixel, over one or several scales.
_BEHIND_LOGITS = (
    *("ResizeBilinear", "Softmax", "Identity", "Squeeze", "Reshape", "Cast"),
    *("Mean", "RealDiv", "ConcatV2", "ExpandDims", "Max", "Pack"),
)
# Sums of probabilities over scales; the logits themselves may be a sum, too.
_SUMS = ("AddN", "Add", "AddV2")
# Of a graph that takes any size: that of the published mobile networks.
_ANY_SIZE = (257, 257)


class FrozenGraph:
    """A frozen graph that takes one image and says the class of its pixels.

    Args:
      path: a `.pb`, a folder or an archive, as for `serving.export_file.read_export`.
      trust: whether it may have operations that read and write files or run programs.

    Attributes:
      path: the file.
      crop_size: (height, width) of the largest image that it takes.
      network_size: (height, width) at which the network sees that, at its first scale.
      convolutions: by the scope of their variables.
      resizes: whether it resizes images before anything else.
      description: what the graph says of itself, as those of this project do, else None.
      constants: constants of floating point numbers by name.
      is_quantized: whether it rounds to what 8 bits hold.

    Raises:
      ValueError: it is damaged or no segmentation network; the message names it.
      OSError: it cannot be opened.
    """

    def __init__(self, path: str, trust: bool = False):
        export = read_export(path, trust)
        self.path = export.path
        self.constants: Mapping[str, np.ndarray] = {
            node.name: tf.make_ndarray(node.attr["value"].tensor)
            for node in export.graph_def.node
            if node.op == "Const" and node.attr["dtype"].type == tf.float32.as_datatype_enum
        }
        self.is_quantized = any(
            node.op.startswith(("FakeQuant", "Quantized")) for node in export.graph_def.node
        )
        self._session = tf.Session(graph=export.graph)
        self._logits = self._find_logits(export.graph)
        operations = graph_walk.convolutions(self._logits)
        self._normalized = graph_walk.network_input(self._logits)
        self.crop_size = (
            export.metadata.crop_size or graph_inspection.measure_crop(self._session) or _ANY_SIZE
        )
        inputs = [graph_walk.before_padding(each) for each in operations.values()]
        self.network_size, *sizes = self._sizes([self._normalized, *inputs])
        self.convolutions = {
            scope: _read(operation, size)
            for (scope, operation), size in zip(operations.items(), sizes, strict=True)
        }
        self.resizes = bool(export.metadata.min_resize_value) or graph_inspection.resizes_images(
            export.graph
        )
        self.description = _read_description(export.graph_def)

    def run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Runs the graph on an image, uint8 [*crop_size, 3], RGB.

        Returns:
          (what its first convolution sees, float32 [height, width, 3]; logits at their own size,
          float32 [height, width, classes]).
        """
        normalized, logits = self._run([self._normalized, self._logits], image)
        return normalized[0], logits[0]

    def _find_logits(self, graph: tf.Graph) -> tf.Tensor:
        tensor = graph.get_tensor_by_name(f"{PREDICTIONS}:0")
        while tensor.op.type != "ArgMax":
            if not tensor.op.inputs:
                raise ValueError(f"{self.path} is no segmentation network: no ArgMax chooses.")
            tensor = tensor.op.inputs[0]
        tensor = tensor.op.inputs[0]
        while tensor.op.type in _BEHIND_LOGITS or (
            tensor.op.type in _SUMS and tensor.op.inputs[0].op.type == "Softmax"
        ):
            tensor = tensor.op.inputs[0]
        return tensor

    def _sizes(self, tensors: list[tf.Tensor]) -> list[tuple[int, int]]:
        """Returns the (height, width) of feature maps of an image of crop size."""
        with self._session.graph.as_default():
            shapes = [tf.shape(tensor) for tensor in tensors]
        found = self._run(shapes, np.zeros([*self.crop_size, 3], np.uint8))
        return [(int(shape[1]), int(shape[2])) for shape in found]

    def _run(self, fetches: list[tf.Tensor], image: np.ndarray) -> list[np.ndarray]:
        try:
            return self._session.run(fetches, {f"{INPUT}:0": image[None]})
        except tf.errors.OpError as error:
            reason = error.message.splitlines()[0]
            raise ValueError(f"{self.path} cannot be run: {reason}") from error


def _read_description(graph_def: tf.GraphDef) -> RunDescription | None:
    """Returns what an export of this project carries in its input; else None."""
    node = next(node for node in graph_def.node if node.name == INPUT)
    text = node.attr[export_names.METADATA_ATTRIBUTE].s
    content = json_files.parse_object(text, "the export's description") if text else {}
    if not {"model", "crop_size"} <= content.keys():
        return None
    content["train_crop_size"] = content["crop_size"]
    fields = {field.name for field in dataclasses.fields(RunDescription)} & set(content)
    return parse_description({name: content[name] for name in fields}, "the export's description")


def _read(operation: tf.Operation, input_size: tuple[int, int]) -> Convolution:
    before = graph_walk.before_padding(operation).op
    pooling = None
    if before.type == "AvgPool":
        pooling = tuple(tuple(before.get_attr(name)[1:3]) for name in ("ksize", "strides"))
    return Convolution(
        kernel_name=KERNEL_NAMES[operation.type != "Conv2D"],
        shape=tuple(operation.inputs[1].shape.as_list()),
        rate=graph_walk.rate(operation),
        input_size=input_size,
        activation=graph_walk.activation(operation)[0],
        pooling=pooling,
    )
