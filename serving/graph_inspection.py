"""What a caller has to know about a graph: from its description, or from the way it is built.

research/deeplab's exports do not state which images they take and how many classes they have. Their
`ImageTensor` is resized (if at all) and padded to the crop as a single image, gets its batch
dimension back from ExpandDims, and goes into the first convolution; the class is an ArgMax.
"""

import collections
import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow.compat.v1 as tf

from common import palettes
from serving import contract, tensorflow_session
from serving.contract import MAX_CLASSES
from serving.export_file import Export


@dataclasses.dataclass(frozen=True)
class Facts:
    """What `DeepLabModel` has as attributes of these names; `crop_size` is None if unknown."""

    class_names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    crop_size: tuple[int, int] | None
    resizes_inside: bool


def inspect(export: Export) -> Facts:
    """Returns an export's description; what is missing is found in its graph.

    Raises:
      ValueError: the graph cannot be loaded, or has more classes than 8-bit class ids can tell.
    """
    metadata = export.metadata
    class_names, crop_size = metadata.class_names, metadata.crop_size
    resizes = metadata.min_resize_value is not None
    if not class_names:
        num_classes = count_classes(export.graph) or MAX_CLASSES
        if num_classes > MAX_CLASSES:
            raise ValueError(
                f"{export.path} has {num_classes} classes; at most {MAX_CLASSES} are supported."
            )
        class_names = tuple(f"class {class_id}" for class_id in range(num_classes))
    if crop_size is None:
        resizes |= resizes_images(export.graph)
        with tensorflow_session.session_for(export.graph) as session:
            crop_size = measure_crop(session)
    palette = metadata.palette or palettes.voc_palette(len(class_names))
    return Facts(class_names, palette, crop_size, resizes)


def measure_crop(session: tf.Session) -> tuple[int, int] | None:
    """Returns the (height, width) that a graph pads images to; None if unknown.

    Feeds an image of one pixel and looks at what reaches the network, which itself does not run.
    """
    network_input = _network_input(session.graph)
    if network_input is None:
        return None
    pixel = np.zeros([1, 1, 1, 3], np.uint8)
    try:
        shape = session.run(network_input, {f"{contract.INPUT}:0": pixel}).shape
    except tf.errors.OpError:
        return None
    is_crop = len(shape) == 4 and min(shape[1:3]) > 1
    return (shape[1], shape[2]) if is_crop else None


def resizes_images(graph: tf.Graph) -> bool:
    """Returns whether a graph resizes images itself, before it pads them to the crop."""
    network_input = _network_input(graph)
    return network_input is not None and any(
        operation.type == "ResizeBilinear" for operation in ancestors(network_input.op)
    )


def count_classes(graph: tf.Graph) -> int | None:
    """Returns the number of classes of a graph; None if unknown."""
    predictions = graph.get_operation_by_name(contract.PREDICTIONS)
    for operation in (predictions, *ancestors(predictions)):
        if operation.type == "ArgMax" and operation.inputs[0].shape.rank:
            return operation.inputs[0].shape.as_list()[-1]
    return None


def check_class_names(export: Export) -> None:
    """Makes sure that a description has a name for each class of its graph.

    Raises:
      ValueError: it has fewer; the message names the graph's file.
    """
    num_classes, num_names = count_classes(export.graph), len(export.metadata.class_names)
    if num_names and num_classes is not None and num_classes > num_names:
        raise ValueError(
            f"{export.path} has {num_classes} classes, but its description has {num_names} "
            "class_names: it describes another graph."
        )


def _network_input(graph: tf.Graph) -> tf.Tensor | None:
    """Returns the batch of one image of crop size, 0..255, that the network begins with."""
    for operation in graph.get_operations():
        if operation.type == "Conv2D" and operation.inputs[1].shape.as_list()[2:3] == [3]:
            before = (each for each in ancestors(operation) if each.type == "ExpandDims")
            expansion = next(before, None)
            return None if expansion is None else expansion.outputs[0]
    return None


def ancestors(operation: tf.Operation) -> Iterator[tf.Operation]:
    """Yields the operations that an operation depends on, nearest first."""
    queue, seen = collections.deque([operation]), {operation}
    while queue:
        for tensor in queue.popleft().inputs:
            if tensor.op not in seen:
                seen.add(tensor.op)
                queue.append(tensor.op)
                yield tensor.op
