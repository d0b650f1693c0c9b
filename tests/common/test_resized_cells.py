"""Sizes of cells, and the pixels in them, beside TensorFlow's resize."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common import resized_cells


@pytest.mark.parametrize(
    ("side", "target", "expected"), [(5, 5, 1), (5, 17, 4), (5, 18, 0), (1, 9, 0), (5, 3, 0)]
)
def test_the_factor_of_a_side_is_whole_or_none(side, target, expected):
    assert resized_cells.factor(side, target) == expected


def test_weighted_corners_are_the_resized_values():
    corners = np.array([1.0, 5.0, -3.0, 8.0], np.float32)
    with tf.Session() as session:
        values = corners.reshape(1, 2, 2, 1)
        resized = session.run(tf.image.resize_bilinear(values, (5, 4), align_corners=True))
    cell = resized[0, :4, :3, 0]  # The last row and column belong to the next cells.
    weights = resized_cells.corner_weights(4, 3)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights @ corners, cell.ravel(), rtol=1e-6)
