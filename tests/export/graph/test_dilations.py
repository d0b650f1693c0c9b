"""Dilated convolutions: joined where the three operations are one, left where they are not."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from export.graph import dilations
from export.graph.editor import GraphEditor
from tests.support import sessions

IMAGES = np.random.RandomState(0).uniform(-1, 1, [2, 9, 8, 3]).astype(np.float32)


def build(
    rate: int = 2, removed: int = 1, strides: int = 1, kernel: int = 3, read_twice: bool = False
) -> None:
    images = tf.placeholder(tf.float32, IMAGES.shape, name="input")
    pads = [[rate, rate + (-9) % rate], [rate, rate + (-8) % rate]]
    batches = tf.space_to_batch_nd(images, [rate, rate], pads)
    weights = np.random.RandomState(1).uniform(-1, 1, [kernel, kernel, 3, 4]).astype(np.float32)
    convolved = tf.nn.conv2d(batches, tf.constant(weights), strides, "VALID", name="conv")
    crops = [[0, (-9) % rate], [0, (-8) % rate]] if removed else [[0, 0], [0, 0]]
    outputs = tf.batch_to_space_nd(convolved, [rate, rate], crops, name="joined")
    if read_twice:
        outputs += tf.reduce_sum(convolved)
    tf.identity(outputs, "output")


def join(**how) -> tuple[GraphEditor, np.ndarray, np.ndarray]:
    """Returns the joined graph, and what it computes after and before."""
    with tf.Graph().as_default() as graph:
        build(**how)
    editor = GraphEditor(graph.as_graph_def(), ["input", "output"])
    before = run(editor)
    dilations.join(editor)
    return editor, run(editor), before


def run(editor: GraphEditor) -> np.ndarray:
    with editor.to_graph().as_default(), sessions.unoptimized() as session:
        return session.run("output:0", {"input:0": IMAGES})


@pytest.mark.parametrize("rate", [2, 3, 5])
@pytest.mark.parametrize("removed", [0, 1])
def test_three_operations_become_one(rate, removed):
    editor, found, expected = join(rate=rate, removed=removed)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert "SpaceToBatchND" not in {node.op for node in editor.nodes.values()}
    assert list(editor.nodes["joined"].attr["dilations"].list.i) == [1, rate, rate, 1]


@pytest.mark.parametrize("how", [{"read_twice": True}, {"strides": 2, "removed": 0, "kernel": 2}])
def test_what_others_read_or_stride_over_stays(how):
    editor, found, expected = join(**how)
    np.testing.assert_array_equal(found, expected)
    assert "SpaceToBatchND" in {node.op for node in editor.nodes.values()}
