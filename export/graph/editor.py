"""A frozen graph as its optimisation sees it: nodes by name, their readers, constants."""

import collections
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow.compat.v1 as tf


def node_of(tensor: str) -> str:
    """Returns the node of an input: "conv" for "conv", "conv:1" and "^conv"."""
    return tensor.removeprefix("^").split(":")[0]


class GraphEditor:
    """A graph that can be changed node by node.

    Attributes:
      nodes: the nodes by name.
      kept: names that callers feed or fetch; these nodes keep name and meaning.
    """

    def __init__(self, graph_def: tf.GraphDef, kept: Iterable[str]):
        self.nodes: dict[str, tf.NodeDef] = {}
        for node in graph_def.node:
            self.nodes[node.name] = copy = tf.NodeDef()
            copy.CopyFrom(node)
        self.kept = frozenset(kept)
        self._versions = graph_def.versions
        self._library = graph_def.library
        self._readers: dict[str, list[tf.NodeDef]] | None = None

    def to_graph_def(self) -> tf.GraphDef:
        """Returns the graph of what the kept nodes need, each node behind its inputs."""
        graph_def = tf.GraphDef(versions=self._versions, library=self._library)
        done: set[str] = set()
        for name in self.nodes:
            if name in self.kept:
                self._append(name, graph_def, done)
        return graph_def

    def _append(self, name: str, graph_def: tf.GraphDef, done: set[str]) -> None:
        stack = [name]
        while stack:
            current = stack[-1]
            todo = [n for n in map(node_of, self.nodes[current].input) if n not in done]
            if todo and current not in done:
                stack.extend(todo)
                continue
            stack.pop()
            if current not in done:
                done.add(current)
                graph_def.node.add().CopyFrom(self.nodes[current])

    def prune(self) -> None:
        """Drops what no kept node needs."""
        needed = {node.name for node in self.to_graph_def().node}
        self.nodes = {name: node for name, node in self.nodes.items() if name in needed}
        self._readers = None

    def readers(self, name: str) -> list[tf.NodeDef]:
        """Returns the nodes with an input, also a control input, from a node; twice where twice."""
        if self._readers is None:
            self._readers = collections.defaultdict(list)
            for node in self.nodes.values():
                for tensor in node.input:
                    self._readers[node_of(tensor)].append(node)
        return self._readers[name]

    def only_reader(self, node: tf.NodeDef) -> tf.NodeDef | None:
        """Returns the node that alone reads a node, None if others or callers do."""
        readers = self.readers(node.name)
        return readers[0] if len(readers) == 1 and node.name not in self.kept else None

    def producer(self, node: tf.NodeDef, index: int = 0) -> tf.NodeDef:
        """Returns the node that makes an input."""
        return self.nodes[node_of(node.input[index])]

    def constant(self, tensor: str) -> np.ndarray | None:
        """Returns the value of an input, None unless it is a constant."""
        node = self.nodes[node_of(tensor)]
        return tf.make_ndarray(node.attr["value"].tensor) if node.op == "Const" else None

    def add_constant(self, name: str, value: np.ndarray) -> str:
        """Adds a constant and returns its name, `name` or one like it that is free."""
        node = tf.NodeDef(op="Const", name=self.free_name(name))
        node.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
        return self.add(node)

    def add(self, node: tf.NodeDef) -> str:
        """Adds a node under its own name, in place of one that has it, and returns the name."""
        self.nodes[node.name] = node
        self._readers = None
        return node.name

    def free_name(self, name: str) -> str:
        """Returns the name, with a number behind it where it is taken."""
        candidate, number = name, 0
        while candidate in self.nodes:
            number += 1
            candidate = f"{name}_{number}"
        return candidate

    def set_inputs(self, node: tf.NodeDef, inputs: Sequence[str]) -> None:
        """Replaces all inputs of a node."""
        node.input[:] = inputs
        self._readers = None

    def redirect(self, name: str, tensor: str) -> None:
        """Lets everyone who reads the first output of a node, or waits for it, have a tensor."""
        for reader in self.readers(name):
            for index, entry in enumerate(reader.input):
                if entry in (name, f"{name}:0"):
                    reader.input[index] = tensor
                elif entry == f"^{name}":
                    reader.input[index] = f"^{node_of(tensor)}"
        self._readers = None
