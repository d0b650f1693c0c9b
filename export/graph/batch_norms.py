"""Folds batch norms with fixed statistics into the convolutions before them.

gamma (conv(x, w) - mean) / sqrt(variance + epsilon) + beta is a convolution with scaled kernel and
a bias. A dilated convolution stands between space-to-batch and batch-to-space, which only move
values: what is done to each channel after them may as well be done to the kernel. The bias stays
after batch-to-space. Before it, TensorFlow could fuse it (1 % faster), but other engines would no
longer see that the three operations are one dilated convolution (OpenVINO is 15 % slower then).
"""

import dataclasses

import numpy as np
import tensorflow.compat.v1 as tf

from export.graph.editor import GraphEditor, has_control_inputs, node_of

_BATCH_NORMS = {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"}
_CONVOLUTIONS = {"Conv2D", "DepthwiseConv2dNative"}


@dataclasses.dataclass
class _Affine:
    """scale * channel + offset, float64 [channels] each; `sources` tells equal ones apart."""

    scale: np.ndarray
    offset: np.ndarray
    sources: tuple[str, ...] = ()

    def then(self, other: "_Affine") -> "_Affine":
        return _Affine(
            self.scale * other.scale,
            self.offset * other.scale + other.offset,
            self.sources + other.sources,
        )


def fold(editor: GraphEditor) -> None:
    """Folds every batch norm that directly follows a convolution which nothing else reads."""
    folded: dict[tuple[str, ...], str] = {}
    for node in list(editor.nodes.values()):
        if node.op in _CONVOLUTIONS and node.name in editor.nodes:
            _fold_into(node, editor, folded)
    editor.prune()


def _fold_into(conv: tf.NodeDef, editor: GraphEditor, folded: dict[tuple[str, ...], str]) -> None:
    """Folds what follows a convolution: biases and batch norms, also after batch-to-space."""
    kernel = editor.constant(conv.input[1])
    if kernel is None:
        return
    depth = kernel.shape[3] if conv.op == "Conv2D" else kernel.shape[2] * kernel.shape[3]
    affine = _Affine(np.ones(depth), np.zeros(depth))
    last, move, has_batch_norm = conv, None, False
    while (reader := editor.only_reader(last)) is not None:
        step = _affine(reader, last, conv, editor)
        if step is not None:
            affine = affine.then(step)
            has_batch_norm |= reader.op in _BATCH_NORMS
        elif reader.op == "BatchToSpaceND" and move is None and _is_first_input(reader, last):
            move = reader
        else:
            break
        last = reader
    if not has_batch_norm:
        return
    key = (conv.op, conv.input[1], *affine.sources)
    if key not in folded:
        shape = (1, 1, 1, depth) if conv.op == "Conv2D" else (1, 1, *kernel.shape[2:])
        scaled = (kernel * affine.scale.reshape(shape)).astype(kernel.dtype)
        folded[key] = editor.add_constant(f"{node_of(conv.input[1])}/folded", scaled)
    editor.set_inputs(conv, [conv.input[0], folded[key], *conv.input[2:]])
    bias = tf.NodeDef(op="BiasAdd")
    bias.attr["T"].CopyFrom(conv.attr["T"])
    bias.attr["data_format"].s = _data_format(conv)
    bias_name = editor.add_constant(f"{conv.name}/folded_bias", affine.offset.astype(kernel.dtype))
    bias.name = last.name  # In the place of the last node folded, under its name.
    bias.input[:] = [conv.name if move is None else move.name, bias_name]
    editor.put(bias)


def _affine(
    node: tf.NodeDef, before: tf.NodeDef, conv: tf.NodeDef, editor: GraphEditor
) -> _Affine | None:
    """Returns what a node does to each channel, None unless it is a bias or a fixed batch norm."""
    if (
        not _is_first_input(node, before)
        or has_control_inputs(node)
        or _data_format(node) != _data_format(conv)
    ):
        return None
    values = [
        value.astype(np.float64)
        for entry in node.input[1:5]
        if (value := editor.constant(entry)) is not None
    ]
    sources = tuple(map(node_of, node.input[1:]))
    if node.op == "BiasAdd" and len(values) == 1:
        return _Affine(np.float64(1.0), values[0], sources)
    if node.op not in _BATCH_NORMS or node.attr["is_training"].b or len(values) < 4:
        return None
    gamma, beta, mean, variance = values
    epsilon = node.attr["epsilon"].f
    scale = gamma / np.sqrt(variance + epsilon)
    return _Affine(scale, beta - mean * scale, (*sources, repr(epsilon)))


def _is_first_input(node: tf.NodeDef, producer: tf.NodeDef) -> bool:
    return node.input[0] in (producer.name, f"{producer.name}:0")


def _data_format(node: tf.NodeDef) -> bytes:
    # To read an attribute that a node lacks would add it.
    return node.attr["data_format"].s if "data_format" in node.attr else b"NHWC"
