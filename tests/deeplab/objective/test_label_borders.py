"""Pixels near borders, against a search of every neighborhood."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.objective import label_borders

IGNORE_LABEL = 255


def compute(labels, distance, ignore_label=IGNORE_LABEL):
    found = label_borders.near_borders(
        tf.constant(labels[..., np.newaxis], tf.int32), distance, ignore_label
    )
    with tf.Session() as session:
        return session.run(found)[..., 0]


@pytest.mark.parametrize("ignore_label", [IGNORE_LABEL, 0])
@pytest.mark.parametrize("distance", [1, 3])
def test_a_pixel_is_near_if_another_class_is_within_the_distance(distance, ignore_label):
    random = np.random.RandomState(0)
    labels = np.kron(random.choice([0, 1, 2, IGNORE_LABEL], (2, 4, 3)), np.ones((1, 6, 7), int))
    if ignore_label == 0:
        labels[labels == IGNORE_LABEL] = 0
    found = compute(labels, distance, ignore_label)
    wanted = np.zeros_like(found)
    for n, y, x in np.ndindex(labels.shape):
        near = labels[n, max(y - distance, 0) : y + distance + 1]
        near = near[:, max(x - distance, 0) : x + distance + 1]
        wanted[n, y, x] = len(set(near.ravel()) - {ignore_label}) > 1
    counted = labels != ignore_label
    assert 0 < wanted[counted].sum() < counted.sum()
    np.testing.assert_array_equal(found[counted], wanted[counted])


def test_beside_ignored_pixels_and_the_rim_is_no_border():
    labels = np.full((1, 9, 9), 2)
    labels[:, 4:6] = IGNORE_LABEL
    assert not compute(labels, 3)[labels != IGNORE_LABEL].any()


def test_the_distance_reaches_over_a_strip_of_ignored_pixels():
    labels = np.repeat([[[1, 1, 1, IGNORE_LABEL, IGNORE_LABEL, 0, 0, 0]]], 3, axis=1)
    assert not compute(labels, 2)[labels != IGNORE_LABEL].any()
    np.testing.assert_array_equal(compute(labels, 4)[0, 0, [0, 1, 2, 5, 6, 7]], [0, 1, 1, 1, 1, 0])
