"""Makes one operation of a dilated convolution between space-to-batch and batch-to-space.

For formats whose own dilated convolutions are right; `optimize_graph` leaves the three operations,
since TensorFlow's dilated depthwise convolution is slow on CPUs.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from export.graph.editor import GraphEditor, has_control_inputs, node_of

_CONVOLUTIONS = {"Conv2D", "DepthwiseConv2dNative"}


def join(editor: GraphEditor) -> None:
    """Replaces the three operations by the convolution, with explicit padding, where it can."""
    for node in list(editor.nodes.values()):
        if node.op in _CONVOLUTIONS:
            _join(node, editor)
    editor.prune()


def _join(conv: tf.NodeDef, editor: GraphEditor) -> None:
    before, after = editor.producer(conv), editor.only_reader(conv)
    if before.op != "SpaceToBatchND" or after is None or after.op != "BatchToSpaceND":
        return
    block, pads = (editor.constant(entry) for entry in before.input[1:3])
    other_block, removed = (editor.constant(entry) for entry in after.input[1:3])
    if block is None or pads is None or other_block is None or removed is None:
        return
    # What batch-to-space cuts off need not be computed.
    pads = pads - removed
    is_plain = (
        node_of(after.input[0]) == conv.name
        and before.name not in editor.kept
        and conv.attr["padding"].s == b"VALID"
        and conv.attr["data_format"].s in (b"", b"NHWC")
        and list(conv.attr["strides"].list.i) == [1, 1, 1, 1]
        and list(conv.attr["dilations"].list.i) in ([], [1, 1, 1, 1])
        and len(block) == 2
        and np.array_equal(block, other_block)
        and pads.min() >= 0
        and not any(map(has_control_inputs, (before, conv, after)))
    )
    if not is_plain:
        return
    joined = tf.NodeDef()
    joined.CopyFrom(conv)
    joined.name = after.name
    joined.input[0] = before.input[0]
    joined.attr["padding"].s = b"EXPLICIT"
    joined.attr["explicit_paddings"].list.i[:] = [0, 0, *pads.flatten().tolist(), 0, 0]
    joined.attr["dilations"].list.i[:] = [1, *block.tolist(), 1]
    editor.put(joined)
