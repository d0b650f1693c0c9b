"""The window of a crop, against scaling, cutting, padding and mirroring one after the other."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.data import crop_window
from tests.support import numpy_layers

SOURCE = (11, 14)
FILL = (1.0, 50.0, 200.0)
IGNORE_LABEL = 255
# Scaled size, first row and column, size without padding, mirrored, size of the crop.
CASES = {
    "as it is": (SOURCE, (0, 0), SOURCE, False, SOURCE),
    "a part": (SOURCE, (2, 3), (5, 7), False, (5, 7)),
    "a part, mirrored": (SOURCE, (2, 3), (5, 7), True, (5, 7)),
    "enlarged": ((21, 27), (4, 9), (9, 13), False, (9, 13)),
    "enlarged, mirrored": ((17, 23), (8, 1), (9, 13), True, (9, 13)),
    "reduced and padded": ((6, 7), (0, 0), (6, 7), False, (9, 13)),
    "reduced, padded and mirrored": ((6, 7), (0, 0), (6, 7), True, (9, 13)),
    "one pixel": ((1, 1), (0, 0), (1, 1), True, (3, 5)),
    "padded below only": ((5, 27), (0, 2), (5, 13), True, (9, 13)),
}


def make_window(scaled, start, size, is_flipped, crop_size) -> crop_window.Window:
    return crop_window.make_window(
        *(tf.constant(value, tf.int32) for value in (SOURCE, scaled, start, size)),
        tf.constant(is_flipped),
        crop_size,
    )


def run(*fetches):
    with tf.Session() as session:
        return session.run(fetches)


def pixels(seed: int, *shape: int) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)


def cut(scaled: np.ndarray, start, size, is_flipped, crop_size, fill) -> np.ndarray:
    """Cuts, pads and mirrors [height, width, channels]."""
    crop = np.empty([*crop_size, scaled.shape[2]], np.float64)
    crop[:] = fill
    rows, columns = (slice(first, first + side) for first, side in zip(start, size, strict=True))
    crop[: size[0], : size[1]] = scaled[rows, columns]
    return crop[:, ::-1] if is_flipped else crop


def scale(image: np.ndarray, size) -> np.ndarray:
    return numpy_layers.resize(image[np.newaxis].astype(np.float64), *size)[0]


@pytest.mark.parametrize("case", CASES)
def test_label_takes_the_nearest_pixel(case):
    scaled, start, size, is_flipped, crop_size = CASES[case]
    label = pixels(1, *SOURCE, 1)
    resized = tf.image.resize_nearest_neighbor(label[np.newaxis], scaled, align_corners=True)[0]
    window = make_window(*CASES[case])
    found, resized = run(crop_window.cut_label(tf.constant(label), window, IGNORE_LABEL), resized)
    expected = cut(resized, start, size, is_flipped, crop_size, IGNORE_LABEL)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("case", CASES)
def test_both_ways_to_the_image_give_the_scaled_one(case):
    scaled, start, size, is_flipped, crop_size = CASES[case]
    image = pixels(2, *SOURCE, 3)
    expected = cut(scale(image, scaled), start, size, is_flipped, crop_size, FILL)
    window = make_window(*CASES[case])
    whole = crop_window.cut_image(tf.constant(image), window, FILL)
    top, left, height, width = tf.unstack(window.box)
    part = tf.slice(tf.constant(image), tf.stack([top, left, 0]), tf.stack([height, width, 3]))
    gathered = crop_window.interpolate(part, window.box[:2], window, FILL)
    assert whole.shape.as_list() == [*crop_size, 3]
    for found in run(whole, gathered):
        np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("case", CASES)
def test_a_channel_is_read_at_a_stride(case):
    scaled, start, size, is_flipped, crop_size = CASES[case]
    channel = pixels(3, *SOURCE, 1) - np.float32(100.0)
    expected = cut(scale(channel, scaled), start, size, is_flipped, crop_size, 0.0)[::4, ::4]
    window = make_window(*CASES[case])
    part = tf.slice(tf.constant(channel[..., 0]), window.box[:2], window.box[2:])
    (found,) = run(crop_window.interpolate_channel(part, window.box[:2], window, 4))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_box_holds_the_pixels_and_one_more_on_each_side_within_the_image():
    """Rows 4..12 of 21 show rows 2..6 of 11; columns 9..21 of 27 show columns 4.5..10.5 of 14."""
    inner = make_window((21, 27), (4, 9), (9, 13), False, (9, 13))
    whole = make_window(SOURCE, (0, 0), SOURCE, False, SOURCE)
    inner, whole = run(inner.box, whole.box)
    assert inner.tolist() == [1, 3, 8, 10]
    assert whole.tolist() == [0, 0, *SOURCE]


def test_an_image_is_large_when_it_has_more_than_four_times_the_crops_pixels():
    is_large = [
        make_window(scaled, (0, 0), (5, 5), False, (5, 10)).is_large
        for scaled in ((20, 10), (67, 3), (1 << 20, 1 << 20))
    ]
    assert [bool(each) for each in run(*is_large)] == [False, True, True]
