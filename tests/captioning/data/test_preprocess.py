"""The encoder's input: sizes, values, and what chance may do. `test_conformance` has im2txt's."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from captioning.data import preprocess
from captioning.options import AugmentationOptions

IMAGE = np.random.RandomState(0).randint(0, 256, [50, 70, 3]).astype(np.uint8)


def training_image(seed: int, **options) -> np.ndarray:
    augmentation = AugmentationOptions(**options)
    image = preprocess.training_image(
        tf.constant(IMAGE), 32, augmentation, tf.constant([seed, 1], tf.int32)
    )
    with tf.Session() as session:
        return session.run(image)


def test_evaluation_sees_the_middle_of_the_scaled_image():
    found = preprocess.evaluation_images(tf.constant(IMAGE[np.newaxis]), 299)
    scaled = tf.image.resize_bilinear(tf.cast(IMAGE[np.newaxis], tf.float32), [346, 346])
    with tf.Session() as session:
        one, whole = session.run([found, scaled])
    np.testing.assert_array_equal(one, whole[:, 23:322, 23:322])


@pytest.mark.parametrize("option", ["random_crop", "random_flip", "color_distortion"])
def test_each_kind_of_chance_changes_the_image_and_follows_the_seed(option):
    none = dict.fromkeys(("random_crop", "random_flip", "color_distortion"), False)
    plain = training_image(0, **none)
    found = [training_image(seed, **{**none, option: True}) for seed in range(6)]
    assert any(not np.array_equal(each, plain) for each in found)
    np.testing.assert_array_equal(found[3], training_image(3, **{**none, option: True}))
    assert all(0 <= each.min() <= each.max() <= 255.001 for each in found)
    if option == "random_flip":
        mirrored = [np.array_equal(each, plain[:, ::-1]) for each in found]
        assert any(mirrored)
        assert not all(mirrored)
