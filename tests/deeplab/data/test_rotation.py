"""Crops of rotated images, against NumPy, pixel by pixel."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.data import crop_window, rotation

SOURCE = (40, 60)
CROP = (33, 41)


def smooth_image(height, width):
    rows, columns = np.mgrid[:height, :width] / 10.0
    waves = [np.sin(rows + k) * np.cos(columns - k) for k in range(3)]
    return 127.0 + 100.0 * np.stack(waves, axis=-1)


def windows():
    """Returns scaled size, start, size and mirror of windows; the last one has padding."""
    return [
        ((40, 60), (3, 9), (33, 41), False),
        ((80, 120), (20, 31), (33, 41), True),
        ((24, 36), (0, 0), (24, 36), False),
        ((24, 36), (0, 0), (24, 36), True),
    ]


def make(scaled, start, size, is_flipped):
    return crop_window.make_window(
        *(tf.constant(value) for value in (SOURCE, scaled, start, size, is_flipped)), CROP
    )


def places(scaled, start, size, is_flipped, angle):
    """Returns where each pixel of the crop lies in the image: [crop height, crop width, 2]."""
    found = np.zeros((*CROP, 2))
    for i, j in np.ndindex(*CROP):
        column = CROP[1] - 1 - j if is_flipped else j
        middle = (np.array(size) - 1) / 2
        dy, dx = np.array([i, column]) - middle
        turned = [
            np.cos(angle) * dy + np.sin(angle) * dx,
            np.cos(angle) * dx - np.sin(angle) * dy,
        ]
        in_scaled = np.array(start) + middle + turned
        found[i, j] = in_scaled * (np.array(SOURCE) - 1) / (np.array(scaled) - 1)
    return found


def interpolated(image, place, fill):
    """Bilinear; a pixel outside the image has the fill."""
    padded = np.pad(image.astype(float), [(1, 1), (1, 1), (0, 0)], constant_values=np.nan)
    padded = np.where(np.isnan(padded), fill, padded)
    y, x = np.clip(place + 1, 0, np.array(padded.shape[:2]) - 1.001)
    if not (0 <= place[0] + 1 <= padded.shape[0] - 1 and 0 <= place[1] + 1 <= padded.shape[1] - 1):
        return np.array(fill, float)
    low, left = int(y), int(x)
    fy, fx = y - low, x - left
    top = padded[low, left] * (1 - fx) + padded[low, left + 1] * fx
    bottom = padded[low + 1, left] * (1 - fx) + padded[low + 1, left + 1] * fx
    return top * (1 - fy) + bottom * fy


@pytest.mark.parametrize("window", windows())
@pytest.mark.parametrize("degrees", [0.0, 10.0, -35.0])
def test_image_and_label_lie_where_the_definition_says(window, degrees):
    image, fill = smooth_image(*SOURCE), (120.5, 110.0, 100.0)
    label = (np.indices(SOURCE).sum(axis=0) // 7 % 4).astype(np.uint8)[..., np.newaxis]
    angle = np.deg2rad(degrees)
    drawn = rotation.rotated_by(make(*window), tf.constant(angle, tf.float64))
    nowhere = tf.zeros([2], tf.int32)
    crops = [
        rotation.cut(tf.constant(image, tf.float32), nowhere, drawn, CROP, fill),
        rotation.cut(tf.constant(label), nowhere, drawn, CROP, (255,), is_nearest=True),
        rotation.cut(tf.constant(image[..., :1], tf.float32), nowhere, drawn, CROP, (0,), stride=4),
    ]
    with tf.Session() as session:
        found, found_label, found_channel = session.run(crops)
    assert (found.dtype, found_label.dtype) == (np.float32, np.uint8)
    where = places(*window, angle)
    expected = np.array([[interpolated(image, place, fill) for place in row] for row in where])
    # OpenCV's places are 1/32 pixel apart; beside the fill the image is not smooth.
    last = np.array(SOURCE) - 1
    inside = ((where >= 0) & (where <= last)).all(axis=-1)
    assert inside.mean() > 0.4
    np.testing.assert_allclose(found[inside], expected[inside], atol=1.0)
    outside = ((where < -1.1) | (where > last + 1.1)).any(axis=-1)
    assert (found[outside] == np.float32(fill)).all()
    assert (found_label[outside] == 255).all()
    nearest = np.rint(where).astype(int)
    is_sure = inside & (np.abs(where - nearest) < 0.49).all(axis=-1)
    expected_label = label[tuple(nearest[is_sure].T)]
    np.testing.assert_array_equal(found_label[is_sure], expected_label)
    channel = np.array([[interpolated(image[..., :1], p, (0.0,)) for p in row] for row in where])
    at_stride = inside[::4, ::4]
    np.testing.assert_allclose(found_channel[at_stride], channel[::4, ::4][at_stride], atol=1.0)


@pytest.mark.parametrize("window", windows())
def test_the_part_in_the_box_is_enough(window):
    image = np.random.RandomState(0).uniform(0, 255, (*SOURCE, 3)).astype(np.float32)
    drawn = rotation.rotated_by(make(*window), tf.constant(0.3, tf.float64))
    with tf.Session() as session:
        top, left, height, width = session.run(drawn.box)
        part = tf.constant(image[top : top + height, left : left + width])
        crops = [
            rotation.cut(tf.constant(image), tf.zeros([2], tf.int32), drawn, CROP, (9, 8, 7)),
            rotation.cut(part, drawn.box[:2], drawn, CROP, (9, 8, 7)),
        ]
        whole, of_part = session.run(crops)
    np.testing.assert_array_equal(whole, of_part)


def test_angles_are_drawn_up_to_the_limit_by_their_seed():
    window = make(*windows()[0])
    matrices = [
        rotation.rotated(window, 20.0, tf.constant([3, number], tf.int64)).matrix
        for number in range(40)
    ]
    again = rotation.rotated(window, 20.0, tf.constant([3, 0], tf.int64)).matrix
    with tf.Session() as session:
        *found, first = session.run([*matrices, again])
    np.testing.assert_array_equal(first, found[0])
    angles = np.rad2deg([np.arctan2(matrix[0, 1], matrix[0, 0]) for matrix in found])
    assert -20 <= angles.min() < -10
    assert 10 < angles.max() <= 20
