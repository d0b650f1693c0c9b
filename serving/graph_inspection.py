"""What a caller has to know about a graph that has no description: from the way it is built.

research/deeplab's exports do not state which images they take and how many classes they have. Their
`ImageTensor` is resized (if at all) and padded to the crop as a single image, gets its batch
dimension back from ExpandDims, and goes into the first convolution; the class is an ArgMax.
"""

import collections
from collections.abc import Iterator

import numpy as np
import tensorflow.compat.v1 as tf

from serving import contract
from serving.export_file import Export


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


def count_classes(export: Export) -> int | None:
    """Returns the number of classes of an export's graph; None if unknown."""
    predictions = export.graph.get_operation_by_name(export.signature.predictions)
    for operation in (predictions, *ancestors(predictions)):
        if operation.type == "ArgMax" and operation.inputs[0].shape.rank:
            return operation.inputs[0].shape.as_list()[-1]
    return None


def network_size(export: Export) -> tuple[int, int] | None:
    """Returns the (height, width) of the network's input; None for graphs that do not show it."""
    if contract.NETWORK_IMAGE not in export.network_inputs:
        return None
    shape = export.graph.get_tensor_by_name(f"{contract.NETWORK_IMAGE}:0").shape
    height, width = shape.as_list()[1:3] if shape.rank == 4 else (None, None)
    return (height, width) if height and width else None


def check_class_names(export: Export) -> None:
    """Makes sure that a description has a name for each class of its graph.

    Raises:
      ValueError: it has fewer; the message names the graph's file.
    """
    num_classes, num_names = count_classes(export), len(export.metadata.class_names)
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
