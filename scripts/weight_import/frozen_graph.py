"""A frozen graph: its constants by variable name, and the logits it computes for an image."""

import dataclasses

import numpy as np
import tensorflow.compat.v1 as tf

from common import export_names, json_files
from deeplab.run_description import RunDescription, parse_description
from scripts.weight_import import graph_walk
from scripts.weight_import.images import Images
from scripts.weight_import.network import Network
from serving import contract, graph_inspection
from serving.contract import INPUT, PREDICTIONS
from serving.export_file import read_export

# Last parts of the names of a network's variables.
_VARIABLE_NAMES = ("weights", "biases", "gamma", "beta", "moving_mean", "moving_variance")
# Between the logits and the class of a pixel, over one or several scales.
_AFTER_LOGITS = (
    *("ResizeBilinear", "Softmax", "Identity", "Squeeze", "Reshape", "Cast"),
    *("Mean", "RealDiv", "ConcatV2", "ExpandDims", "Max", "Pack"),
)
# Sums of probabilities over scales; the logits themselves may be a sum, too.
_SUMS = ("AddN", "Add", "AddV2")
# For a graph that takes any size: the crop of the published mobile networks.
_ANY_SIZE = (257, 257)


class FrozenGraph:
    """A frozen graph that predicts the class of each pixel of an image.

    It is read as by `serving.export_file.read_export`, which has the arguments and errors.

    Attributes:
      crop_size: (height, width) of the largest image that it takes.
      network_size: (height, width) at which the network sees that image, at its first scale.
      rates: atrous rates of its convolutions by the scope of their variables.
      description: what an export of this project says of itself; None for other graphs.
      is_quantized: whether it rounds to what 8 bits hold.

    Raises:
      ValueError: also if it is not a segmentation network.
    """

    def __init__(self, path: str, trust: bool = False):
        export = read_export(path, trust, expected=contract.SEGMENTATION)
        self.path = export.path
        graph = export.graph
        self._constants: dict[str, np.ndarray] = {
            node.name: tf.make_ndarray(node.attr["value"].tensor)
            for node in export.graph_def.node
            if node.op == "Const"
            and node.attr["dtype"].type == tf.float32.as_datatype_enum
            and node.name.endswith(_VARIABLE_NAMES)
        }
        self.is_quantized = any(
            node.op.startswith(("FakeQuant", "Quantized")) for node in export.graph_def.node
        )
        self._session = tf.Session(graph=graph)
        self._logits = self._find_logits(graph)
        convolutions = graph_walk.convolutions(self._logits)
        self.num_classes: int = self._logits.shape.as_list()[3]
        self.rates = graph_walk.rates(convolutions)
        self._normalized = graph_walk.network_input(convolutions)
        self.crop_size = (
            export.metadata.crop_size or graph_inspection.measure_crop(self._session) or _ANY_SIZE
        )
        normalized = self._run(self._normalized, np.zeros([*self.crop_size, 3], np.uint8))
        self.network_size: tuple[int, int] = normalized.shape[1:3]
        self._resizes = bool(export.metadata.min_resize_value) or graph_inspection.resizes_images(
            graph
        )
        self.description = _read_description(export.graph_def)

    def fill(self, network: Network, images: Images) -> None:
        """Gives each variable of a network the value of the constant of its name.

        Raises:
          ValueError: they do not fit, or the comparison that follows is not possible.
        """
        del images
        if network.batch_norms and not any("/BatchNorm/" in name for name in self._constants):
            raise ValueError(
                f"{self.path} holds no batch norm: a tool has folded it into the kernels, as "
                "export_model.py does without --nooptimize. Import the graph before that, or the "
                "TFLite file with scripts.import_tflite."
            )
        is_changed = self._resizes or self.network_size != self.crop_size
        if network.options.decoder_use_gradient and is_changed:
            raise ValueError(
                f"{self.path} resizes its images after computing the gradient channel, so that it "
                "cannot be compared; use the checkpoint that it was exported from."
            )
        network.load({name: each for name, each in self._constants.items() if each.ndim}, self.path)

    def run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `importing.NetworkFile.run`."""
        normalized, logits = self._run([self._normalized, self._logits], image.astype(np.uint8))
        return normalized[0], logits[0]

    def _find_logits(self, graph: tf.Graph) -> tf.Tensor:
        tensor = graph.get_tensor_by_name(f"{PREDICTIONS}:0")
        while tensor.op.type != "ArgMax":
            if not tensor.op.inputs:
                raise ValueError(f"{self.path} is not a segmentation network: it has no ArgMax.")
            tensor = tensor.op.inputs[0]
        tensor = tensor.op.inputs[0]
        while tensor.op.type in _AFTER_LOGITS or (
            tensor.op.type in _SUMS and tensor.op.inputs[0].op.type == "Softmax"
        ):
            tensor = tensor.op.inputs[0]
        return tensor

    def _run(self, fetches, image: np.ndarray):
        try:
            return self._session.run(fetches, {f"{INPUT}:0": image[None]})
        except tf.errors.OpError as error:
            reason = error.message.splitlines()[0]
            raise ValueError(f"{self.path} cannot be run: {reason}") from error


def _read_description(graph_def: tf.GraphDef) -> RunDescription | None:
    node = next(node for node in graph_def.node if node.name == INPUT)
    text = node.attr[export_names.METADATA_ATTRIBUTE].s
    content = json_files.parse_object(text, "the export's description") if text else {}
    if not {"model", "crop_size"} <= content.keys():
        return None
    content["train_crop_size"] = content["crop_size"]
    fields = {field.name for field in dataclasses.fields(RunDescription)} & set(content)
    return parse_description({name: content[name] for name in fields}, "the export's description")
