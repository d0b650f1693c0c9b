"""Whether a graph may be run: a frozen graph is a program, and may come from anywhere.

TensorFlow has operations that read and write files, open connections, load libraries and call
Python, and it runs some of them while it loads a graph. An image network needs none of them, so
only listed operations run, also inside the functions of a graph. A list of forbidden ones would
never be complete, and TensorFlow does not mark them all as stateful (ReadFile, MatchingFiles).

This keeps a graph from files, network and programs. It is not a sandbox: it does not protect from
flaws in the operations themselves.
"""

import math
import os
from collections.abc import Iterator

import tensorflow.compat.v1 as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow.python.framework import op_def_registry

from serving.safe_operations import SAFE_OPERATIONS, cut, refuse

# No network has larger ones: a graph of 2 GiB is the largest that can be stored.
_MAX_CONSTANT_BYTES = 1 << 31
# TensorFlow's own limits; beyond them it ends the process.
_MAX_RANK = 254
_MAX_ELEMENTS = 1 << 60
# They can be decoded to anything, and no constant of a network has them.
_OPAQUE_TYPES = (tf.resource, tf.variant)


def check_operations(graph_def: tf.GraphDef, path: str) -> None:
    """Refuses (ValueError) a graph with operations that can reach beyond it, and names them.

    Args:
      graph_def: the graph, which has not been loaded into TensorFlow.
      path: its file, for errors.
    """
    # An operation with the name of a function would run in its place.
    functions = {
        function.signature.name
        for function in graph_def.library.function
        if op_def_registry.get(function.signature.name) is None
    }
    unsafe: dict[str, str] = {}
    for node in nodes(graph_def):
        called = {f.name for value in node.attr.values() for f in (value.func, *value.list.func)}
        outside = called - functions - {""}
        if node.op not in SAFE_OPERATIONS | functions:
            outside.add(node.op)
        for operation in sorted(outside):
            unsafe.setdefault(operation, node.name)
    refuse(path, unsafe)


def check_constants(graph_def: tf.GraphDef, path: str) -> None:
    """Refuses (ValueError) a graph with a constant that is not a tensor, or is too large.

    A constant of one value may be stored as that value and a shape, which need not be small. If
    the parts of a constant contradict each other, TensorFlow ends the process.
    """
    limit = min(_MAX_CONSTANT_BYTES, _memory_bytes())
    total = 0
    for node in nodes(graph_def):
        for value in node.attr.values():
            for tensor in [value.tensor] if value.HasField("tensor") else value.list.tensor:
                size = _tensor_bytes(tensor)
                is_typed = node.op != "Const" or node.attr["dtype"].type == tensor.dtype
                if size is None or not is_typed:
                    raise ValueError(
                        f"{path} is damaged: the constant of node {cut(node.name)} has a shape or "
                        "type that no tensor has."
                    )
                total += size
                if total > limit:
                    raise _too_large(path, node.name, total, limit)


def check_sizes(graph: tf.Graph, path: str) -> None:
    """Refuses (ValueError) a loaded graph if a tensor of known size does not fit into memory."""
    limit = _memory_bytes()
    for operation in graph.get_operations():
        for tensor in operation.outputs:
            if tensor.shape.rank is not None:
                # Unknown sides count as 1: a batch may be of one.
                sides = (1 if side is None else side for side in tensor.shape.as_list())
                size = math.prod(sides) * (tensor.dtype.base_dtype.size or 1)
                if size > limit:
                    raise _too_large(path, operation.name, size, limit)


def nodes(graph_def: tf.GraphDef) -> Iterator[tf.NodeDef]:
    """Yields the nodes of a graph, and those of its functions."""
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def


def _tensor_bytes(tensor: tensor_pb2.TensorProto) -> int | None:
    """Returns the size of a tensor in memory; None where no tensor is like that."""
    try:
        dtype = tf.as_dtype(tensor.dtype)
    except TypeError:
        return None
    sides = [dimension.size for dimension in tensor.tensor_shape.dim]
    if (
        dtype in _OPAQUE_TYPES
        or dtype != dtype.base_dtype
        or tensor.tensor_shape.unknown_rank
        or min(sides, default=0) < 0
        or len(sides) > _MAX_RANK
        # TensorFlow computes the product of the sides in 64 bits, of an empty tensor as well.
        or math.prod(max(side, 1) for side in sides) > _MAX_ELEMENTS
    ):
        return None
    size = math.prod(sides) * (dtype.size or 1)
    return size if len(tensor.tensor_content) in (0, size) else None


def _memory_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _too_large(path: str, name: str, size: int, limit: int) -> ValueError:
    return ValueError(
        f"{path} would take {size / 2**30:.3g} GiB for node {cut(name)}, more than the "
        f"{limit / 2**30:.3g} GiB allowed here; it is damaged, or not made for this machine."
    )
