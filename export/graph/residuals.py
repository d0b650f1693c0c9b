"""Writes the ReLU of a residual sum so that TensorFlow can fuse the sum with its convolution.

TensorFlow 2.21 fuses convolution, BiasAdd and Add, and with them a ReLU. Where the sum has further
readers (the next residual), its remapper reports "Mutation::Apply error: fanout … exist for missing
node" and leaves the whole graph without any fusion: Xception then gains nothing from folded batch
norms. max(x, 0) is the same function, which the remapper does not look for.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from export.graph.editor import GraphEditor

_SUMS = {"Add", "AddV2"}


def rewrite_activations(editor: GraphEditor) -> None:
    """Makes Relu(sum) Maximum(sum, 0) where the sum of a convolution has other readers too."""
    zero = None
    for node in list(editor.nodes.values()):
        if node.op != "Relu" or node.attr["T"].type != tf.float32.as_datatype_enum:
            continue
        total = editor.producer(node)
        if total.op not in _SUMS or len(editor.readers(total.name)) < 2:
            continue
        if any(_is_convolution_with_bias(total, index, editor) for index in (0, 1)):
            zero = zero or editor.add_constant("residuals/zero", np.float32(0.0))
            node.op = "Maximum"
            editor.set_inputs(node, [node.input[0], zero, *node.input[1:]])


def _is_convolution_with_bias(total: tf.NodeDef, index: int, editor: GraphEditor) -> bool:
    bias = editor.producer(total, index)
    return bias.op == "BiasAdd" and editor.producer(bias).op == "Conv2D"
