"""The canvas: smooth edges in the image, ignored ones in the mask."""

import cv2
import numpy as np

from datasets.demo_scenes.canvas import Canvas, Material, Mood
from datasets.demo_scenes.classes import IGNORED


def test_edges_are_ignored_one_pixel_wide_and_the_rest_keeps_its_class():
    mood = Mood("000000", "ffffff", tint=(1, 1, 1), contrast=1, clouds=0, mist=0)
    canvas = Canvas(np.random.default_rng(0), 20, 30, mood)
    square = [[8.4, 4.4], [20.4, 4.4], [20.4, 15.4], [8.4, 15.4]]
    canvas.fill(square, 3, np.array([1, 0, 0], np.float32), Material("ff0000"), haze=0)
    image, mask = canvas.develop()
    expected = np.zeros((20, 30), np.uint8)
    expected[5:15, 9:20] = 3
    border = np.zeros_like(expected)
    cv2.rectangle(border, (8, 4), (20, 15), 1)
    expected[border == 1] = IGNORED
    np.testing.assert_array_equal(mask, expected)
    assert image[10, 14, 0] > 0.5
    np.testing.assert_array_equal(image[10, 2], 0)
    assert 0.2 < image[10, 8, 0] / image[10, 9, 0] < 0.8, "the edge is not smooth"


def test_a_shadow_darkens_the_image_and_leaves_the_mask():
    mood = Mood("000000", "ffffff", tint=(1, 1, 1), contrast=1, clouds=0, mist=0)
    canvas = Canvas(np.random.default_rng(0), 20, 30, mood)
    canvas.color[:] = 1
    canvas.darken([[10, 5], [20, 5], [20, 15], [10, 15]], 0.5)
    image, mask = canvas.develop()
    assert image[10, 15].max() < 0.6
    np.testing.assert_array_equal(image[1, 1], 1)
    assert not mask.any()
