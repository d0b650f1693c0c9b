"""The nodes of a frozen graph, read without TensorFlow: names, inputs, and small attributes.

Field numbers are those of TensorFlow's graph.proto, function.proto, op_def.proto, node_def.proto
and attr_value.proto.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from common import wire

_GRAPH_NODE, _GRAPH_LIBRARY, _GRAPH_VERSIONS = 1, 2, 4
_LIBRARY_FUNCTION, _FUNCTION_SIGNATURE, _FUNCTION_NODE, _SIGNATURE_NAME = 1, 1, 3, 1
_NODE_NAME, _NODE_OP, _NODE_INPUT, _NODE_ATTRIBUTE = 1, 2, 3, 5
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_VALUE_BYTES, _VALUE_TYPE, _VALUE_SHAPE = 2, 6, 7
_SHAPE_DIMENSION, _DIMENSION_SIZE = 2, 1
_FLOAT = 1  # DT_FLOAT of types.proto.


class DamagedError(ValueError):
    """A file that is truncated or no graph."""


@dataclasses.dataclass(frozen=True)
class Node:
    """A node of a graph.

    Attributes:
      name: its name.
      operation: what it computes, such as "Conv2D".
      inputs: names of the nodes that it depends on, without ports and control marks.
      content: the node as it is stored.
    """

    name: str
    operation: str
    inputs: tuple[str, ...]
    content: memoryview

    def text_attribute(self, name: str) -> bytes:
        """Returns the value of an attribute that holds text; b"" where there is none."""
        value = self._attribute(name)
        found = None if value is None else wire.first(value, _VALUE_BYTES)
        return b"" if found is None else bytes(found.content)

    def shape_attribute(self, name: str) -> list[int] | None:
        """Returns the value of an attribute that holds a shape, -1 for unknown sides.

        None where there is no such attribute, or nothing is known of the shape.
        """
        value = self._attribute(name)
        shape = None if value is None else wire.first(value, _VALUE_SHAPE)
        if shape is None:
            return None
        sides = []
        for dimension in wire.select(shape.content, _SHAPE_DIMENSION):
            size = wire.first(dimension.content, _DIMENSION_SIZE)
            side = 0 if size is None or not isinstance(size.value, int) else size.value
            sides.append(side - (1 << 64) if side >> 63 else side)
        return sides

    def _attribute(self, name: str) -> memoryview | None:
        for entry in wire.select(self.content, _NODE_ATTRIBUTE):
            if wire.text(entry.content, _ENTRY_KEY) == name:
                value = wire.first(entry.content, _ENTRY_VALUE)
                return None if value is None else value.content
        return None


def read_nodes(graph: memoryview) -> dict[str, Node]:
    """Returns the nodes of a frozen graph by name, in their order.

    Args:
      graph: a GraphDef as it is stored.

    Raises:
      DamagedError: it is truncated or no graph.
    """
    try:
        nodes = [_read_node(field.content) for field in wire.select(graph, _GRAPH_NODE)]
    except ValueError as error:
        raise DamagedError(str(error)) from None
    return {node.name: node for node in nodes}


def read_functions(graph: memoryview) -> tuple[set[str], list[Node]]:
    """Returns the names of a graph's functions, and the nodes inside them.

    Raises:
      DamagedError: the graph is truncated.
    """
    names, nodes = set(), []
    try:
        for library in wire.select(graph, _GRAPH_LIBRARY):
            for function in wire.select(library.content, _LIBRARY_FUNCTION):
                signature = wire.first(function.content, _FUNCTION_SIGNATURE)
                name = None if signature is None else wire.first(signature.content, _SIGNATURE_NAME)
                if name is not None:
                    names.add(bytes(name.content).decode(errors="replace"))
                nodes += [
                    _read_node(field.content)
                    for field in wire.select(function.content, _FUNCTION_NODE)
                ]
    except ValueError as error:
        raise DamagedError(str(error)) from None
    return names, nodes


def cut(
    graph: memoryview,
    nodes: Mapping[str, Node],
    inputs: Mapping[str, Sequence[int]],
    outputs: Iterable[str],
) -> bytes:
    """Returns the part of a graph between some nodes, as a graph.

    Args:
      graph, nodes: the whole graph, as for and from `read_nodes`.
      inputs: shapes of the nodes that become float32 placeholders, by name; -1 for unknown sides.
      outputs: names of the nodes that the part computes.
    """
    needed, waiting = set(inputs), [name for name in outputs if name not in inputs]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting.extend(nodes[name].inputs)
    contents = (
        _placeholder(name, inputs[name]) if name in inputs else node.content
        for name, node in nodes.items()
        if name in needed
    )
    parts = [wire.encode_bytes(_GRAPH_NODE, content) for content in contents]
    rest = (f.raw for f in wire.fields(graph) if f.number in (_GRAPH_LIBRARY, _GRAPH_VERSIONS))
    return b"".join([*parts, *rest])


def _read_node(content: memoryview) -> Node:
    name = operation = ""
    inputs = []
    for field in wire.fields(content):
        if field.number == _NODE_NAME:
            name = field.text
        elif field.number == _NODE_OP:
            operation = field.text
        elif field.number == _NODE_INPUT:
            inputs.append(field.text.lstrip("^").split(":")[0])
    return Node(name, operation, tuple(inputs), content)


def _placeholder(name: str, shape: Sequence[int]) -> bytes:
    sides = (
        wire.encode_bytes(_SHAPE_DIMENSION, wire.encode_varint(_DIMENSION_SIZE, side))
        for side in shape
    )
    values = {
        "dtype": wire.encode_varint(_VALUE_TYPE, _FLOAT),
        "shape": wire.encode_bytes(_VALUE_SHAPE, b"".join(sides)),
    }
    attributes = (
        wire.encode_bytes(
            _NODE_ATTRIBUTE,
            wire.encode_bytes(_ENTRY_KEY, key) + wire.encode_bytes(_ENTRY_VALUE, value),
        )
        for key, value in values.items()
    )
    named = wire.encode_bytes(_NODE_NAME, name) + wire.encode_bytes(_NODE_OP, "Placeholder")
    return named + b"".join(attributes)
