"""Colors, blur and compression of photos, against NumPy and their own definitions."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.segmentation.laplacian import laplacian
from deeplab.data import photo_changes
from deeplab.options import InputOptions

GRAY = np.array([0.299, 0.587, 0.114])


def photo(low=90, high=160):
    """Returns colors far enough from 0 and 255 that none is cut off."""
    coarse = np.random.RandomState(0).randint(low, high, (8, 10, 3))
    return np.kron(coarse, np.ones((6, 6, 1))).astype(np.uint8)


def changed(image, draws=None, **options):
    strengths = InputOptions(crop_size=(9, 9), **options).strengths()
    values = np.full(photo_changes.NUM_DRAWS, 0.5)
    values[[4, 6]] = 1.0  # neither blurred nor compressed
    for index, draw in (draws or {}).items():
        values[index] = draw
    return photo_changes.changed_photo(image, values, strengths).astype(float)


def test_brightness_multiplies():
    for draw, factor in ((0.0, 0.8), (1.0, 1.2), (0.5, 1.0)):
        found = changed(photo(), {0: draw}, random_brightness=0.2)
        np.testing.assert_allclose(found, photo() * factor, atol=1.0)


def test_contrast_keeps_the_mean_brightness():
    mean = (photo() @ GRAY).mean()
    for draw, factor in ((0.0, 0.6), (1.0, 1.4)):
        found = changed(photo(), {1: draw}, random_contrast=0.4)
        np.testing.assert_allclose(found, mean + factor * (photo() - mean), atol=1.0)


def test_saturation_and_hue_keep_the_brightness_of_every_pixel():
    gray = photo() @ GRAY
    found = changed(photo(), {2: 0.0}, random_saturation=1.0)
    np.testing.assert_allclose(found, np.repeat(gray[..., np.newaxis], 3, axis=2), atol=1.0)
    found = changed(photo(), {2: 1.0}, random_saturation=0.4)
    expected = gray[..., np.newaxis] + 1.4 * (photo() - gray[..., np.newaxis])
    np.testing.assert_allclose(found, expected, atol=1.0)
    # Half a turn gives the other side of the color circle, as seen from the gray.
    found = changed(photo(), {3: 1.0}, random_hue=0.5)
    np.testing.assert_allclose(found, 2 * gray[..., np.newaxis] - photo(), atol=1.5)
    found = changed(photo(), {3: 0.7}, random_hue=0.3)
    np.testing.assert_allclose(found @ GRAY, gray, atol=1.0)
    assert np.abs(found - photo()).max() > 5


def test_values_are_cut_off_and_never_wrap_around():
    found = changed(photo(200, 256), {0: 1.0}, random_brightness=0.9)
    assert (found == 255).all()


def test_an_eighth_of_the_photos_is_blurred_or_compressed():
    image = np.random.RandomState(0).randint(0, 256, (48, 60, 3)).astype(np.uint8)
    for index, options in ((4, {"random_blur": 2.0}), (6, {"random_jpeg": 30.0})):
        assert (changed(image, {index: 0.13}, **options) == image).all()
        assert (changed(image, {index: 0.12, index + 1: 0.5}, **options) != image).any()


def test_blur_takes_away_detail_as_a_gaussian_does():
    image = np.zeros((41, 41, 3), np.uint8)
    image[20, 20] = 255
    found = changed(image, {4: 0.0, 5: 1.0}, random_blur=1.5)[..., 0]
    places = np.arange(41) - 20
    gaussian = np.exp(-(places**2) / (2 * 1.5**2))
    gaussian /= gaussian.sum()
    np.testing.assert_allclose(found, 255 * np.outer(gaussian, gaussian), atol=1.0)


def test_compression_has_the_drawn_quality_and_keeps_colors_in_their_channels():
    image = photo()
    image[..., 0] = 130
    errors = []
    for draw in (0.0, 0.5, 1.0):
        found = changed(image, {6: 0.0, 7: draw}, random_jpeg=20.0)
        np.testing.assert_allclose(found.mean(axis=(0, 1)), image.mean(axis=(0, 1)), atol=6)
        errors.append(np.abs(found - image).mean())
    assert errors[0] < errors[1] < errors[2]


def test_the_graph_draws_by_its_seed_and_returns_the_laplacian_of_the_changed_photo():
    strengths = InputOptions(crop_size=(9, 9), augmentation="strong").strengths()
    with tf.Graph().as_default(), tf.Session() as session:
        seed = tf.placeholder(tf.int64, [2])
        found = photo_changes.change(
            tf.constant(photo()), strengths=strengths, seed=seed, with_laplacian=True
        )
        results = [session.run(found, {seed: [1, number]}) for number in (0, 0, 1, 2)]
    for image, values in results:
        np.testing.assert_array_equal(values, laplacian(image))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    assert len({image.tobytes() for image, _ in results}) == 3


@pytest.mark.parametrize("options", [{}, {"random_rotation": 10.0}])
def test_without_changes_of_photos_there_are_none(options):
    assert not photo_changes.has_any(InputOptions(crop_size=(9, 9), **options).strengths())
    assert (changed(photo(), **options) == photo()).all()
