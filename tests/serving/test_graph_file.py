"""The nodes of a frozen graph without TensorFlow, against TensorFlow."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from serving import graph_file
from tests.support import sessions


def build() -> tf.GraphDef:
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.uint8, [None, 4, None, 3], name="image")
        anything = tf.placeholder(tf.float32, name="anything")
        values = tf.identity(tf.cast(images, tf.float32), "start")
        with tf.control_dependencies([tf.identity(anything, "first")]):
            held = tf.identity(values, "held")
        first, second = tf.split(held, [1, 2], axis=3, name="parts")
        tf.reduce_sum(second, axis=3, name="sum")
        tf.negative(first, name="aside")
    graph_def = graph.as_graph_def()
    next(n for n in graph_def.node if n.name == "image").attr["_note"].s = b"\xff text"
    return graph_def


def read(graph_def: tf.GraphDef) -> tuple[memoryview, dict[str, graph_file.Node]]:
    content = memoryview(graph_def.SerializeToString())
    return content, graph_file.read_nodes(content)


def test_nodes_and_attributes_are_those_of_the_graph():
    graph_def = build()
    _, nodes = read(graph_def)
    assert [(n.name, n.operation) for n in nodes.values()] == [
        (n.name, n.op) for n in graph_def.node
    ]
    assert nodes["sum"].inputs[0] == "parts"
    assert nodes["held"].inputs == ("start", "first")
    image = nodes["image"]
    assert image.shape_attribute("shape") == [-1, 4, -1, 3]
    assert image.text_attribute("_note") == b"\xff text"
    assert image.text_attribute("nothing") == b""
    assert image.shape_attribute("nothing") is None
    assert not nodes["anything"].shape_attribute("shape")


def test_a_part_of_a_graph_computes_what_the_whole_does():
    graph_def = build()
    content, nodes = read(graph_def)
    shapes = {"start": [-1, 4, 5, 3]}
    part = tf.GraphDef.FromString(graph_file.cut(content, nodes, shapes, ["sum"]))
    names = {node.name for node in part.node}
    assert {"start", "parts", "sum", "first", "anything"} <= names
    assert not {"image", "aside"} & names
    assert part.versions == graph_def.versions
    values = np.random.RandomState(0).rand(2, 4, 5, 3).astype(np.float32)
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        tf.import_graph_def(part, name="")
        start = session.graph.get_tensor_by_name("start:0")
        assert (start.dtype, start.shape.as_list()) == (tf.float32, [None, 4, 5, 3])
        found = session.run("sum:0", {start: values, "anything:0": 0.0})
    np.testing.assert_allclose(found, values[..., 1:].sum(-1), 1e-6)


def test_damaged_graphs_are_refused():
    content = build().SerializeToString()
    for damaged in (content[:-1], content[: len(content) // 2], b"no graph"):
        with pytest.raises(graph_file.DamagedError):
            graph_file.read_nodes(memoryview(damaged))
    assert graph_file.read_nodes(memoryview(b"")) == {}
