"""Cuts the network out of an ONNX file: the part between named tensors, as a model of its own.

ONNX Runtime computes all outputs of a model, so what surrounds the network has to go before it is
loaded. The file is a protocol buffer (onnx.proto); the few fields that matter are read and written
here, and nodes and weights are copied as they are, so that the package onnx is not needed.
"""

import dataclasses
import mmap
from collections.abc import Iterable, Sequence

from common import wire

# Field numbers of onnx.proto.
_MODEL_IR_VERSION, _MODEL_GRAPH, _MODEL_OPSET_IMPORT, _MODEL_METADATA = 1, 7, 8, 14
_GRAPH_NODE, _GRAPH_NAME, _GRAPH_INITIALIZER = 1, 2, 5
_GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE_INFO = 11, 12, 13
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATION, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 4, 5, 7
_ATTRIBUTE_GRAPHS = (6, 11)
_TENSOR_NAME, _TENSOR_EXTERNAL_DATA, _TENSOR_DATA_LOCATION = 8, 13, 14
_VALUE_INFO_NAME = 1
_ENTRY_KEY, _ENTRY_VALUE = 1, 2


@dataclasses.dataclass(frozen=True)
class _Node:
    inputs: Sequence[str]
    outputs: Sequence[str]
    raw: memoryview


def cut(content: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """Returns the part of a model that computes some tensors of others.

    Args:
      content: a model; its `value_info` has the types of all these tensors.
      inputs, outputs: their names; they are the inputs and outputs of the new model, in this order.

    Raises:
      ValueError: the model is damaged or has no such tensors; an output depends on more than the
        inputs; or the model needs more than its own file: weights in other files, or operations
        that ONNX itself does not have.
    """
    model = list(wire.fields(memoryview(content)))
    graph = list(wire.fields(_only(model, _MODEL_GRAPH)))
    infos = {
        wire.text(field.content, _VALUE_INFO_NAME): field.content
        for field in graph
        if field.number in (_GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE_INFO)
    }
    missing = [name for name in (*inputs, *outputs) if name not in infos]
    if missing:
        raise ValueError(f"it has no tensor {missing[0]}")
    nodes = [_read_node(field) for field in graph if field.number == _GRAPH_NODE]
    tensors = {
        wire.text(field.content, _TENSOR_NAME): field
        for field in graph
        if field.number == _GRAPH_INITIALIZER
    }
    kept, read = _reach(nodes, inputs, outputs)
    unknown = sorted(read - tensors.keys() - set(inputs) - {o for n in kept for o in n.outputs})
    if unknown:
        raise ValueError(f"{outputs[0]} depends on {unknown[0]} besides {' and '.join(inputs)}")
    used = [field for name, field in tensors.items() if name in read]
    for field in used:
        _check_is_inside(field)
    parts: list[bytes | memoryview] = [
        *(node.raw for node in kept),
        *(field.raw for field in graph if field.number == _GRAPH_NAME),
        *(field.raw for field in used),
        *(wire.encode_bytes(_GRAPH_INPUT, infos[name]) for name in inputs),
        *(wire.encode_bytes(_GRAPH_OUTPUT, infos[name]) for name in outputs),
    ]
    head = [f.raw for f in model if f.number in (_MODEL_IR_VERSION, _MODEL_OPSET_IMPORT)]
    return b"".join([*head, wire.encode_bytes(_MODEL_GRAPH, b"".join(parts))])


def read_metadata(content: bytes | mmap.mmap) -> dict[str, str]:
    """Returns what a model says of itself besides the graph; ValueError if it is damaged."""
    entries = [f.content for f in wire.fields(memoryview(content)) if f.number == _MODEL_METADATA]
    return {wire.text(entry, _ENTRY_KEY): wire.text(entry, _ENTRY_VALUE) for entry in entries}


def _reach(
    nodes: Sequence[_Node], inputs: Iterable[str], outputs: Iterable[str]
) -> tuple[list[_Node], set[str]]:
    """Returns the nodes between tensors, in the model's order, and all tensors that are read."""
    known, read, kept = set(inputs), set(outputs), []
    for node in reversed(nodes):  # Nodes stand behind those that they read.
        if not read.isdisjoint(set(node.outputs) - known):
            kept.append(node)
            read.update(name for name in node.inputs if name)
    return kept[::-1], read


def _read_node(field: wire.Field) -> _Node:
    """Reads a node; ValueError if ONNX itself does not have its operation, or it has graphs."""
    inputs, outputs, operation = [], [], ""
    for each in wire.fields(field.content):
        if each.number == _NODE_INPUT:
            inputs.append(each.text)
        elif each.number == _NODE_OUTPUT:
            outputs.append(each.text)
        elif each.number == _NODE_OPERATION:
            operation = each.text
        elif each.number == _NODE_DOMAIN and each.text not in ("", "ai.onnx"):
            raise ValueError(f"it needs operations of {each.text}, which are not ONNX's own")
        elif each.number == _NODE_ATTRIBUTE and any(
            part.number in _ATTRIBUTE_GRAPHS for part in wire.fields(each.content)
        ):
            raise ValueError(f"operation {operation} has a graph of its own")
    return _Node(inputs, outputs, field.raw)


def _check_is_inside(field: wire.Field) -> None:
    """Refuses (ValueError) a tensor whose values are in another file, which could be any file."""
    for part in wire.fields(field.content):
        if part.number == _TENSOR_EXTERNAL_DATA or (
            part.number == _TENSOR_DATA_LOCATION and part.value != 0
        ):
            raise ValueError(f"tensor {wire.text(field.content, _TENSOR_NAME)} is in another file")


def _only(fields: Iterable[wire.Field], number: int) -> memoryview:
    """Returns the last field of a number, which is the one that counts."""
    found = [field.content for field in fields if field.number == number]
    if not found:
        raise ValueError("it is not an ONNX model: it has no graph")
    return found[-1]
