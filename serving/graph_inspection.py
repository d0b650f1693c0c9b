"""What a frozen graph without a description tells about itself, by the way it is built.

research/deeplab's exports say neither which images they take nor how many classes they know.
Their `ImageTensor` is resized (if at all) and padded to the crop as a single image, gets its
batch dimension back by ExpandDims, and goes into the first convolution; the class is an ArgMax.
"""

import collections
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from serving import export_file


def measure_crop(session: tf.Session) -> tuple[int, int] | None:
    """Returns the (height, width) that a graph pads images to, None where it cannot be told.

    Feeds an image of one pixel and looks at what reaches the network, which itself does not run.
    """
    network_input = _network_input(session.graph)
    if network_input is None:
        return None
    pixel = np.zeros([1, 1, 1, 3], np.uint8)
    try:
        shape = session.run(network_input, {f"{export_file.INPUT}:0": pixel}).shape
    except tf.errors.OpError:
        return None
    is_crop = len(shape) == 4 and min(shape[1:3]) > 1
    return (shape[1], shape[2]) if is_crop else None


def resizes_images(graph: tf.Graph) -> bool:
    """Returns whether a graph resizes images itself, before it pads them to the crop."""
    network_input = _network_input(graph)
    return network_input is not None and any(
        operation.type == "ResizeBilinear" for operation in _ancestors(network_input.op)
    )


def count_classes(graph: tf.Graph) -> int | None:
    """Returns the number of classes of a graph, None where it cannot be told."""
    for operation in _ancestors(graph.get_operation_by_name(export_file.PREDICTIONS)):
        if operation.type == "ArgMax" and operation.inputs[0].shape.rank:
            return operation.inputs[0].shape.as_list()[-1]
    return None


def check_class_names(graph: tf.Graph, class_names: Sequence[str], path: str) -> None:
    """Makes sure that a description has a name for each class of its graph.

    Raises:
      ValueError: it has fewer; the message names the graph's file.
    """
    num_classes = count_classes(graph)
    if class_names and num_classes is not None and num_classes > len(class_names):
        raise ValueError(
            f"{path} has {num_classes} classes, but its description has {len(class_names)} "
            "class_names: it is that of another graph."
        )


def _network_input(graph: tf.Graph) -> tf.Tensor | None:
    """Returns the batch of one image at crop size, 0..255, that the network begins with."""
    for operation in graph.get_operations():
        if operation.type == "Conv2D" and operation.inputs[1].shape.as_list()[2:3] == [3]:
            for ancestor in _ancestors(operation):
                if ancestor.type == "ExpandDims":
                    return ancestor.outputs[0]
            return None
    return None


def _ancestors(operation: tf.Operation) -> Iterator[tf.Operation]:
    """Yields what an operation is computed from, the nearest first."""
    queue = collections.deque([operation])
    seen = {operation}
    while queue:
        current = queue.popleft()
        if current is not operation:
            yield current
        for tensor in current.inputs:
            if tensor.op not in seen:
                seen.add(tensor.op)
                queue.append(tensor.op)
