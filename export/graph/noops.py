"""Drops no-op nodes: those whose output is their input."""

import numpy as np
import tensorflow.compat.v1 as tf

from export.graph.editor import GraphEditor, has_control_inputs, node_of

_PASS_ON = {"Identity", "Snapshot", "StopGradient", "PreventGradient", "CheckNumerics"}
_RESIZES = {"ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic"}


def remove(editor: GraphEditor) -> None:
    """Drops identities, checks of numbers, and casts, transposes and resizes that change nothing.

    What waits for others (by a control input), what callers fetch and what is in a loop stays.
    """
    shapes, staying = editor.shapes(), editor.kept | editor.in_loops()
    for node in list(editor.nodes.values()):
        if node.name in staying or has_control_inputs(node):
            continue
        if node.op in _PASS_ON or _changes_nothing(node, editor, shapes):
            editor.redirect(node.name, node.input[0])
        elif node.op == "Transpose":
            _join_transposes(node, editor)
    editor.prune()


def _changes_nothing(
    node: tf.NodeDef, editor: GraphEditor, shapes: dict[str, tf.TensorShape]
) -> bool:
    if node.op == "Cast":
        return node.attr["SrcT"].type == node.attr["DstT"].type
    if node.op == "Transpose":
        order = editor.constant(node.input[1])
        return order is not None and _is_ascending(order)
    if node.op in _RESIZES:
        before, after = shapes[node_of(node.input[0])], shapes[node.name]
        return (
            node.attr["T"].type == tf.float32.as_datatype_enum
            and ":" not in node.input[0]
            and before.rank == 4
            and before[1:3].is_fully_defined()
            and before[1:3] == after[1:3]
        )
    return False


def _join_transposes(node: tf.NodeDef, editor: GraphEditor) -> None:
    """Makes one transpose, or none, of two that follow each other."""
    first = editor.producer(node)
    if first.op != "Transpose" or has_control_inputs(first):
        return
    first_order, second_order = editor.constant(first.input[1]), editor.constant(node.input[1])
    if first_order is None or second_order is None:
        return
    order = first_order[second_order]
    if _is_ascending(order):
        editor.redirect(node.name, first.input[0])
    else:
        name = editor.add_constant(f"{node.name}/joined_order", order)
        editor.set_inputs(node, [first.input[0], name])


def _is_ascending(order: np.ndarray) -> bool:
    return np.array_equal(order, np.arange(len(order)))
