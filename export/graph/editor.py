"""A frozen graph for its optimization: nodes by name, their readers, constants, shapes."""

import collections
import graphlib
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow.compat.v1 as tf


def node_of(tensor: str) -> str:
    """Returns the node of an input: "conv" for "conv", "conv:1" and "^conv"."""
    return tensor.removeprefix("^").split(":")[0]


def has_control_inputs(node: tf.NodeDef) -> bool:
    """Whether a node waits for others, such as assertions, of which it takes no value."""
    return any(entry.startswith("^") for entry in node.input)


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
        """Returns the graph of what the kept nodes need, each node after its inputs."""
        inputs: dict[str, list[str]] = {}
        waiting = [name for name in self.nodes if name in self.kept]
        while waiting:
            name = waiting.pop()
            if name not in inputs:
                inputs[name] = [node_of(entry) for entry in self.nodes[name].input]
                waiting += inputs[name]
        for name in inputs:
            if self.nodes[name].op == "Merge":  # A loop goes back to where it began.
                inputs[name] = [
                    each for each in inputs[name] if self.nodes[each].op != "NextIteration"
                ]
        graph_def = tf.GraphDef(versions=self._versions, library=self._library)
        for name in graphlib.TopologicalSorter(inputs).static_order():
            graph_def.node.add().CopyFrom(self.nodes[name])
        return graph_def

    def to_graph(self) -> tf.Graph:
        """Returns `to_graph_def` as a graph, in which TensorFlow has inferred the shapes."""
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(self.to_graph_def(), name="")
        return graph

    def shapes(self) -> dict[str, tf.TensorShape]:
        """Returns the static shape of the first output of each node that has one."""
        operations = self.to_graph().get_operations()
        return {each.name: each.outputs[0].shape for each in operations if each.outputs}

    def in_loops(self) -> set[str]:
        """Returns the nodes inside loops, which may read nothing but what enters them."""
        found: set[str] = set()
        waiting = [node for node in self.nodes.values() if node.op == "Enter"]
        while waiting:
            node = waiting.pop()
            if node.name not in found:
                found.add(node.name)
                if node.op != "Exit":
                    waiting += self.readers(node.name)
        return found

    def prune(self) -> None:
        """Drops what no kept node needs."""
        needed = {node.name for node in self.to_graph_def().node}
        self.nodes = {name: node for name, node in self.nodes.items() if name in needed}
        self._readers = None

    def readers(self, name: str) -> list[tf.NodeDef]:
        """Returns the nodes that read a node or wait for it; twice where they do so twice."""
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
        """Adds a constant and returns its name: `name`, with a number where it is taken."""
        free, number = name, 0
        while free in self.nodes:
            number += 1
            free = f"{name}_{number}"
        self.put_constant(free, value)
        return free

    def put_constant(self, name: str, value: np.ndarray) -> None:
        """Adds a constant, in place of the node of that name."""
        node = tf.NodeDef(op="Const", name=name)
        node.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
        self.put(node)

    def put(self, node: tf.NodeDef) -> None:
        """Adds a node, in place of the one of its name."""
        self.nodes[node.name] = node
        self._readers = None

    def set_inputs(self, node: tf.NodeDef, inputs: Sequence[str]) -> None:
        """Replaces all inputs of a node."""
        node.input[:] = inputs
        self._readers = None

    def redirect(self, name: str, tensor: str) -> None:
        """Gives a tensor to all that read the first output of a node or wait for it."""
        for reader in self.readers(name):
            for index, entry in enumerate(reader.input):
                if entry in (name, f"{name}:0"):
                    reader.input[index] = tensor
                elif entry == f"^{name}":
                    reader.input[index] = f"^{node_of(tensor)}"
        self._readers = None
