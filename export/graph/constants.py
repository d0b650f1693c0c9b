"""Computes what does not depend on the input."""

import numpy as np
import tensorflow.compat.v1 as tf

from export.graph.editor import GraphEditor, has_control_inputs

# A value that is larger than what it is computed from stays computed, beyond this size in bytes.
_MAX_GROWN_BYTES = 1 << 16
_NOT_COMPUTED = {"Const", "Placeholder", "PlaceholderWithDefault", "Assert", "NoOp", "Enter"}


def fold(editor: GraphEditor) -> None:
    """Replaces nodes that have only constants as inputs by their values."""
    graph = editor.to_graph()
    # A constant with inputs waits for something, such as an assertion.
    constant = {
        node.name for node in editor.nodes.values() if node.op == "Const" and not node.input
    }
    foldable = []
    for operation in graph.get_operations():  # Each after its inputs.
        if (
            operation.type not in _NOT_COMPUTED
            and operation.name not in editor.kept
            and len(operation.outputs) == 1
            and operation.outputs[0].dtype not in (tf.string, tf.resource, tf.variant)
            and not operation.op_def.is_stateful
            and not operation.control_inputs
            and operation.inputs
            and all(tensor.op.name in constant for tensor in operation.inputs)
        ):
            constant.add(operation.name)
            foldable.append(operation)
    with tf.Session(graph=graph) as session:
        values = session.run([operation.outputs[0] for operation in foldable])
    for operation, value in zip(foldable, values, strict=True):
        if value.nbytes <= max(_MAX_GROWN_BYTES, sum(map(_num_bytes, operation.inputs))):
            editor.put_constant(operation.name, value)
    editor.prune()


def fix_shapes(editor: GraphEditor) -> None:
    """Replaces sides that are read off a tensor by constants where shape inference finds them.

    TensorFlow itself does so only where the whole shape is known, and the batch's size is not.
    """
    shapes, in_loops = editor.shapes(), editor.in_loops()
    for node in list(editor.nodes.values()):
        if node.name in in_loops:
            continue
        if node.op == "StridedSlice" and editor.producer(node).op == "Shape":
            sides = _sliced(node, shapes[editor.producer(editor.producer(node)).name], editor)
            if sides is not None and node.name not in editor.kept:
                editor.put_constant(node.name, sides.astype(np.int32))
    editor.prune()


def _sliced(node: tf.NodeDef, shape: tf.TensorShape, editor: GraphEditor) -> np.ndarray | None:
    """Returns the part of a shape that a node takes, None unless all of it is known."""
    size = editor.producer(node)
    bounds = [
        bound.item()
        for entry in node.input[1:4]
        if (bound := editor.constant(entry)) is not None and bound.size == 1
    ]
    is_plain = (
        node.attr["T"].type == tf.int32.as_datatype_enum
        and ":" not in size.input[0]
        and not node.attr["ellipsis_mask"].i
        and not node.attr["new_axis_mask"].i
        and len(bounds) == 3
        and not has_control_inputs(node)
        and not has_control_inputs(size)
    )
    if not is_plain or shape.rank is None:
        return None
    sides = np.array([-1 if side is None else side for side in shape.as_list()])
    begin, end, step = bounds
    if node.attr["shrink_axis_mask"].i:
        taken = sides[begin]
    else:
        begin = None if node.attr["begin_mask"].i else begin
        end = None if node.attr["end_mask"].i else end
        taken = sides[begin:end:step]
    return None if np.any(taken == -1) else taken


def _num_bytes(tensor: tf.Tensor) -> int:
    return (tensor.shape.num_elements() or 0) * tensor.dtype.size
