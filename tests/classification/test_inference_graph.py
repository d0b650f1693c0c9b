"""The graph that an export of a classifier freezes: what evaluation says of each image."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from classification import inference_graph
from classification.data import preprocess
from classification.options import PREPROCESSINGS, ModelOptions, ViewOptions
from serving import contract
from tests.support import tiny_classifier

# Odd and even sides, wide and high, smaller and larger than the network's input.
SIZES = ((33, 33), (50, 71), (96, 40), (7, 9), (32, 32), (57, 300))


def random_images(count: int, height: int, width: int) -> np.ndarray:
    return np.stack([tiny_classifier.random_image(seed, height, width) for seed in range(count)])


def as_evaluated(images: np.ndarray, view: ViewOptions) -> np.ndarray:
    with tf.Graph().as_default(), tf.Session() as session:
        image = tf.placeholder(tf.uint8, [None, None, 3])
        seen = preprocess.evaluation_image(image, view)
        return np.stack([session.run(seen, {image: each}) for each in images])


@pytest.mark.parametrize("preprocessing", PREPROCESSINGS)
@pytest.mark.parametrize("image_size", [32, 45])
def test_the_network_sees_each_image_as_in_evaluation(preprocessing, image_size):
    view = ViewOptions(image_size, preprocessing, 0)
    inference_graph.build_inference_graph(tiny_classifier.OPTIONS, view)
    with tf.Session() as session:
        for size in SIZES:
            images = random_images(3, *size)
            seen = session.run("NetworkImage:0", {"ImageTensor:0": images})
            assert seen.dtype == np.float32
            np.testing.assert_array_equal(seen, as_evaluated(images, view))


@pytest.mark.parametrize("preprocessing", PREPROCESSINGS)
def test_the_graph_gives_the_checkpoints_probabilities(tmp_path, preprocessing):
    view = ViewOptions(32, preprocessing, 0)
    checkpoint = tiny_classifier.save(tmp_path)
    images = random_images(4, 50, 71)
    with tf.Graph().as_default(), tf.Session() as session:
        expected = tf.nn.softmax(tiny_classifier.build(tf.constant(as_evaluated(images, view))))
        tf.train.Saver().restore(session, checkpoint)
        expected = session.run(expected)
    assert len(set(expected.argmax(axis=1))) > 1
    kept = inference_graph.build_inference_graph(tiny_classifier.OPTIONS, view)
    with tf.Session() as session:
        tf.train.Saver().restore(session, checkpoint)
        fetches = [f"{name}:0" for name in inference_graph.OUTPUTS]
        class_ids, probabilities = session.run(fetches, {"ImageTensor:0": images})
        logits = session.run("ClassLogits:0", {"ImageTensor:0": images})
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    np.testing.assert_array_equal(class_ids, expected.argmax(axis=1))
    np.testing.assert_array_equal(class_ids, logits.argmax(axis=1))
    assert class_ids.dtype == np.int32
    assert set(kept) == {*inference_graph.OUTPUTS, contract.NETWORK_IMAGE, "ClassLogits"}


def test_options_that_make_no_network_are_named():
    with pytest.raises(ValueError, match="num_classes is 1; expected 2 or more"):
        inference_graph.build_inference_graph(ModelOptions(1), tiny_classifier.VIEW)
    with pytest.raises(ValueError, match="image_size is 0; expected 1 to 8192"):
        inference_graph.build_inference_graph(
            tiny_classifier.OPTIONS, ViewOptions(0, "inception", 0)
        )
