"""Constants, names and layouts of an ONNX graph while it is built."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

pytest.importorskip("onnx")

from export.to_onnx.model_builder import Layout, ModelBuilder, constant, needed_constant


@pytest.fixture
def images() -> tf.Tensor:
    return tf.placeholder(tf.float32, [None, 6, 5, 3], name="images")


def test_a_constant_is_there_once_and_keeps_its_rank():
    model = ModelBuilder([])
    names = [model.literal(np.array(value, np.float32)) for value in (1.0, 1.0, [1.0], [[1.0]])]
    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert [list(each.dims) for each in model.initializers] == [[], [1], [1, 1]]
    assert model.integers(1) != names[0]


def test_a_transpose_is_made_once_and_only_where_it_is_asked_for(images):
    model = ModelBuilder([])
    model.put(images, "images")
    assert model.name(images) == "images"
    assert model.nodes == []
    assert not model.is_channels_first(images)
    first = model.name(images, Layout.CHANNELS_FIRST)
    assert model.name(images, Layout.CHANNELS_FIRST) == first
    (node,) = model.nodes
    assert (node.op_type, list(node.attribute[0].ints)) == ("Transpose", [0, 3, 1, 2])
    assert model.layout_of([images]) is Layout.CHANNELS_FIRST
    assert [Layout.CHANNELS_FIRST.axis(axis) for axis in range(4)] == [0, 2, 3, 1]


def test_back_to_tensorflows_layout(images):
    model = ModelBuilder([])
    model.put(images, "first", Layout.CHANNELS_FIRST)
    model.name(images)
    assert list(model.nodes[0].attribute[0].ints) == [0, 2, 3, 1]


def test_what_is_broadcast_to_images_has_their_axes(images):
    model = ModelBuilder([])
    model.put(images, "first", Layout.CHANNELS_FIRST)
    for value in ([1.0, 2.0, 3.0], np.ones([5, 3]), np.ones([6, 1, 3])):
        model.operand(tf.constant(value, tf.float32), Layout.CHANNELS_FIRST)
    assert [list(each.dims) for each in model.initializers] == [
        [1, 3, 1, 1],
        [1, 3, 1, 5],
        [1, 3, 6, 1],
    ]
    assert model.layout_of([images, tf.constant([1.0])]) is Layout.CHANNELS_FIRST
    rows = tf.placeholder(tf.float32, [5, 3])
    assert model.layout_of([images, rows]) is Layout.PLAIN


def test_reserved_names_are_for_what_they_are_reserved_for(images):
    model = ModelBuilder(["Result"])
    model.put(images, "first", Layout.CHANNELS_FIRST)
    model.scope = "Result"
    other = model.add("Relu", ["first"])
    assert other != "Result"
    model.emit_as(images, "Result")
    assert model.nodes[-1].output == ["Result"]
    assert model.name(images) == "Result"
    # All that reads the tensor reads it there, in the other layout, too.
    model.name(images, Layout.CHANNELS_FIRST)
    assert model.nodes[-1].input == ["Result"]


def test_what_is_constant(images):
    value = tf.constant(3, name="three")
    assert constant(value).shape == ()
    assert constant(images) is None
    added = tf.broadcast_to(images, tf.shape(images), name="added")
    with pytest.raises(ValueError, match=r"added cannot be written as ONNX: its input 1 is not"):
        needed_constant(added.op, 1)
