"""Cuts the network out of an exported graph: what is between its inputs and the logits.

What comes before and after it depends on the image's size, and `serving.processing` computes it.
The network itself has one size, and other engines run it faster than TensorFlow.
"""

from collections.abc import Mapping

from serving import graph_file
from serving.export_file import Export


def network(export: Export, input_shapes: Mapping[str, tuple[int, int, int]]) -> bytes:
    """Returns the network as a GraphDef; its inputs are float32 [batch, height, width, depth].

    Args:
      export: the whole.
      input_shapes: (height, width, depth) of the inputs by name, see `Processing.input_shapes`.
    """
    content = memoryview(export.read_graph())
    shapes = {name: (-1, *shape) for name, shape in input_shapes.items()}
    return graph_file.cut(content, graph_file.read_nodes(content), shapes, export.network_outputs)
