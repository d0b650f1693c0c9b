"""The editor of a frozen graph: who reads what, constants, and what is kept."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from export import optimize_graph
from export.graph.editor import GraphEditor, has_control_inputs, node_of


@pytest.fixture
def editor() -> GraphEditor:
    """out = split(in * two)[1] + [0], where `check` has to be run before; `unused` is not read."""
    with tf.Graph().as_default() as graph:
        inputs = tf.placeholder(tf.float32, [None, 4], name="in")
        scaled = tf.multiply(inputs, tf.constant(2.0, name="two"), name="scaled")
        left, right = tf.split(scaled, 2, axis=1, name="halves")
        tf.negative(scaled, name="unused")
        check = tf.no_op(name="check")
        with tf.control_dependencies([check]):
            tf.add(left, right, name="out")
    return GraphEditor(graph.as_graph_def(), ["in", "out"])


def run(editor: GraphEditor) -> list[list[float]]:
    with tf.Session(graph=editor.to_graph()) as session:
        return session.run("out:0", {"in:0": [[1.0, 2.0, 3.0, 4.0]]}).tolist()


def names(nodes) -> list[str]:
    return [node.name for node in nodes]


def test_inputs_name_nodes_whatever_they_take_of_them(editor):
    assert [node_of(entry) for entry in ("a/b", "a/b:1", "^a/b")] == ["a/b"] * 3
    assert has_control_inputs(editor.nodes["out"])
    assert not has_control_inputs(editor.nodes["scaled"])


def test_readers_take_values_or_wait(editor):
    assert sorted(names(editor.readers("scaled"))) == ["halves", "unused"]
    assert names(editor.readers("halves")) == ["out", "out"]
    assert names(editor.readers("check")) == ["out"]
    assert editor.readers("out") == []
    assert editor.only_reader(editor.nodes["two"]).name == "scaled"
    for name in ("scaled", "halves", "in"):  # Read by two, twice by one, and fed by callers.
        assert editor.only_reader(editor.nodes[name]) is None
    assert editor.producer(editor.nodes["scaled"], 1).name == "two"


def test_constants_are_read_and_added_under_a_free_name(editor):
    assert editor.constant("two:0") == 2.0
    assert editor.constant("in") is None
    value = np.arange(6, dtype=np.int32).reshape(2, 3)
    assert editor.add_constant("new", value) == "new"
    assert editor.add_constant("new", value) == "new_1"
    assert editor.add_constant("scaled", value) == "scaled_1"
    found = editor.constant("new_1")
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, value)
    editor.put_constant("two", np.float32(5.0))
    assert run(editor) == [[20.0, 30.0]]


def test_the_graph_holds_what_kept_nodes_need_each_after_its_inputs(editor):
    order = names(editor.to_graph_def().node)
    assert "unused" not in order
    assert "check" in order
    for name in order:
        for entry in editor.nodes[name].input:
            assert order.index(node_of(entry)) < order.index(name)
    editor.prune()
    assert names(editor.readers("scaled")) == ["halves"]
    assert run(editor) == [[8.0, 12.0]]
    assert editor.shapes()["out"].as_list() == [None, 2]


def test_a_tensor_takes_the_place_of_a_first_output_only(editor):
    """`halves` has two outputs; only what reads the first, or waits, is given the constant."""
    other = editor.add_constant("other", np.float32([[10.0, 20.0]]))
    editor.redirect("halves", other)
    assert list(editor.nodes["out"].input) == ["other", "halves:1", "^check"]
    editor.redirect("check", f"{other}:0")
    assert list(editor.nodes["out"].input) == ["other", "halves:1", "^other"]
    assert names(editor.readers("other")) == ["out", "out"]
    assert run(editor) == [[16.0, 28.0]]
    editor.set_inputs(editor.nodes["out"], ["other", "other"])
    assert editor.readers("halves") == []
    assert run(editor) == [[20.0, 40.0]]


def test_the_graph_that_is_edited_stays_as_it_was():
    with tf.Graph().as_default() as graph:
        tf.constant(1.0, name="out")
    graph_def = graph.as_graph_def()
    editor = GraphEditor(graph_def, ["out"])
    editor.nodes["out"].attr["value"].tensor.float_val[:] = [7.0]
    assert tf.make_ndarray(graph_def.node[0].attr["value"].tensor) == 1.0
    assert editor.to_graph_def().versions == graph_def.versions


def _loop_graph() -> tf.GraphDef:
    """x doubled three times, with what could be folded or dropped inside the loop and before it."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        scale = tf.constant([1.0, 3.0]) - tf.constant([0.0, 1.0])

        def body(time: tf.Tensor, value: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            columns = tf.shape(value)[1]
            return time + 1, tf.reshape(tf.identity(value) * scale, [-1, columns])

        _, value = tf.while_loop(lambda time, _: time < 3, body, (tf.constant(0), tf.identity(x)))
        tf.identity(value, "y")
        return graph.as_graph_def()


def test_loops_stay_as_they_are():
    tf.disable_control_flow_v2()
    plain = _loop_graph()
    optimized = optimize_graph.optimize(plain, ["x"], ["y"])
    assert {"Enter", "Exit", "NextIteration"} <= {node.op for node in optimized.node}
    assert len(optimized.node) < len(plain.node)
    results = []
    for graph_def in (plain, optimized):
        with tf.Graph().as_default(), tf.Session() as session:
            tf.import_graph_def(graph_def, name="")
            results.append(session.run("y:0", {"x:0": [[1.0, 1.0], [2.0, 5.0]]}))
    np.testing.assert_array_equal(results[0], [[1, 8], [2, 40]])
    np.testing.assert_array_equal(results[1], results[0])


def test_what_is_in_a_loop_is_known():
    editor = GraphEditor(_loop_graph(), ["x", "y"])
    inside = editor.in_loops()
    assert {"x", "y", "sub"}.isdisjoint(inside)
    assert {"while/Enter", "while/mul", "while/Exit"} <= inside
