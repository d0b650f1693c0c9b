"""What is found out about a graph that does not say it: crop, classes, and a resize inside."""

import pytest
import tensorflow.compat.v1 as tf

from common import palettes
from serving import contract, facts, graph_inspection
from serving.contract import Metadata
from serving.export_file import Export

CROP = (33, 49)


def build(
    *,
    num_classes: int = 5,
    crop: tuple[int, int] | None = CROP,
    resizes: bool = False,
    metadata: Metadata | None = None,
) -> Export:
    """Returns a graph in the style of 2018: one image, padded, then a 1x1 convolution."""
    with tf.Graph().as_default() as graph:
        inputs = tf.placeholder(tf.uint8, [1, None, None, 3], name=contract.INPUT)
        image = tf.cast(tf.squeeze(inputs, axis=0), tf.float32)
        if resizes:
            image = tf.image.resize_bilinear(image[tf.newaxis], [20, 20])[0]
        if crop is not None:
            below, beside = tf.unstack(tf.constant(crop) - tf.shape(image)[:2])
            image = tf.pad(image, [[0, below], [0, beside], [0, 0]])
        images = tf.expand_dims(image, 0)
        kernel = tf.ones([1, 1, 3, num_classes])
        logits = tf.nn.conv2d((2 / 255) * images - 1, kernel, 1, "SAME", name="first")
        tf.argmax(logits, axis=3, name=contract.PREDICTIONS)
    export = Export("graph.pb", metadata or Metadata())
    export.__dict__["graph_def"] = graph.as_graph_def()  # As if it had been read.
    return export


def test_a_graph_without_a_description_tells_crop_classes_and_colors():
    known = facts.inspect(build())
    assert known.class_names == tuple(f"class {index}" for index in range(5))
    assert known.palette == palettes.voc_palette(5)
    assert known.crop_size == CROP
    assert not known.resizes_inside


def test_a_description_is_believed_and_completed():
    named = Metadata(class_names=("sky", "road", "sea"), crop_size=(7, 9))
    known = facts.inspect(build(metadata=named))
    assert (known.class_names, known.crop_size) == (named.class_names, (7, 9))
    assert known.palette == palettes.voc_palette(3)
    colored = Metadata(class_names=("a", "b"), palette=((1, 2, 3), (4, 5, 6)))
    known = facts.inspect(build(metadata=colored))
    assert (known.palette, known.crop_size) == (colored.palette, CROP)
    resized = Metadata(class_names=("a",), crop_size=(7, 9), min_resize_value=5)
    assert facts.inspect(build(metadata=resized)).resizes_inside


def test_a_graph_that_takes_images_of_any_size_has_no_crop():
    known = facts.inspect(build(crop=None))
    assert (known.crop_size, known.resizes_inside) == (None, False)


@pytest.mark.parametrize("resizes", [True, False])
def test_a_resize_before_the_network_is_seen(resizes):
    export = build(resizes=resizes)
    assert graph_inspection.resizes_images(export.graph) == resizes
    assert facts.inspect(export).crop_size == CROP


def test_more_classes_than_a_byte_can_tell_are_refused():
    assert len(facts.inspect(build(num_classes=256)).class_names) == 256
    with pytest.raises(ValueError, match=r"^graph\.pb has 257 classes; at most 256 are supported"):
        facts.inspect(build(num_classes=257))


def test_names_that_are_too_few_are_those_of_another_graph():
    for names in ((), ("a",) * 5, ("a",) * 6):
        graph_inspection.check_class_names(build(metadata=Metadata(class_names=names)))
    with pytest.raises(ValueError, match="has 5 classes, but its description has 4 class_names"):
        graph_inspection.check_class_names(build(metadata=Metadata(class_names=("a",) * 4)))


def test_ancestors_come_once_and_nearest_first():
    source = tf.placeholder(tf.float32, [], name="source")
    near = tf.negative(source, name="near")
    both = tf.add(near, tf.abs(near, name="between"), name="both")
    found = [operation.name for operation in graph_inspection.ancestors(both.op)]
    assert found == ["near", "between", "source"]
