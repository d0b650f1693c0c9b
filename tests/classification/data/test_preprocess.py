"""From image files to a classifier's input, by value."""

import io

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from classification.data import preprocess
from classification.options import AugmentationOptions, ViewOptions


def _view(size: int, preprocessing: str) -> ViewOptions:
    return ViewOptions(image_size=size, preprocessing=preprocessing)


def _run(tensor, feed=None):
    with tf.Session() as session:
        return session.run(tensor, feed)


def _image(height: int, width: int) -> np.ndarray:
    return np.random.RandomState(1).randint(0, 256, [height, width, 3]).astype(np.uint8)


def _encoded(image: np.ndarray, format: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format, quality=95)
    return buffer.getvalue()


def _resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear as in TensorFlow 1: place p of the result is p * (old / new) of the image."""

    def weights(new: int, old: int) -> np.ndarray:
        matrix = np.zeros([new, old])
        for row in range(new):
            place = np.float32(row) * np.float32(old / new)
            low = min(int(place), old - 1)
            high = min(low + 1, old - 1)
            matrix[row, low] += 1 - (place - low)
            matrix[row, high] += place - low
        return matrix

    rows = np.einsum("ab,bcd->acd", weights(height, image.shape[0]), image)
    return np.einsum("ab,cbd->cad", weights(width, image.shape[1]), rows)


def test_inception_evaluates_the_central_part():
    image = _image(40, 65)
    found = _run(preprocess.evaluation_image(tf.constant(image), _view(24, "inception")))

    # 40 * 0.125 / 2 = 2.5 and 65 * 0.125 / 2 = 4.06 pixels are cut off, rounded down.
    expected = _resized(image[2:38, 4:61], 24, 24)
    assert found.shape == (24, 24, 3)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("shape", [(40, 65), (65, 40), (56, 56)])
def test_vgg_evaluates_the_central_square(shape):
    image = _image(*shape)
    found = _run(preprocess.evaluation_image(tf.constant(image), _view(28, "vgg")))

    # 28 * 256 / 224 = 32 pixels are the shorter side.
    height, width = (round(32 * side / min(shape)) for side in shape)
    expected = _resized(image, height, width)
    top, left = (height - 28) // 2, (width - 28) // 2
    np.testing.assert_allclose(found, expected[top : top + 28, left : left + 28], atol=1e-3)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("preprocessing", ["inception", "vgg"])
def test_a_seed_decides_all_that_is_random(preprocessing, format):
    encoded = _encoded(_image(40, 65), format)
    seed = tf.placeholder(tf.int64, [2])
    made = preprocess.training_image(
        tf.constant(encoded), _view(28, preprocessing), AugmentationOptions(), seed
    )
    first, again, other = (_run(made, {seed: each}) for each in ([1, 2], [1, 2], [1, 3]))

    assert first.shape == (28, 28, 3)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 1


def test_windows_cover_what_is_asked_for_and_flips_mirror():
    # A ramp in x and one in y tell where a pixel came from.
    y, x = np.mgrid[0:60, 0:80]
    image = np.stack([3 * x, 4 * y, 0 * x], axis=-1).astype(np.uint8)
    seed = tf.placeholder(tf.int64, [2])
    augmentation = AugmentationOptions(min_crop_area=0.4, color_distortion="none")
    made = preprocess.training_image(
        tf.constant(_encoded(image, "PNG")), _view(16, "inception"), augmentation, seed
    )
    areas, mirrored = [], 0
    with tf.Session() as session:
        for number in range(60):
            found = session.run(made, {seed: [7, number]})
            width = np.abs(found[0, -1, 0] - found[0, 0, 0]) / 3 * 16 / 15
            height = (found[-1, 0, 1] - found[0, 0, 1]) / 4 * 16 / 15
            assert 0.75 * 0.85 < width / height < 1.33 * 1.15
            areas.append(width * height / (60 * 80))
            mirrored += found[0, -1, 0] < found[0, 0, 0]
    assert min(areas) > 0.35
    assert max(areas) < 1.05
    assert np.ptp(areas) > 0.3
    assert 15 < mirrored < 45


def test_without_distortion_colors_stay_and_with_it_they_stay_in_range():
    image = np.full([40, 40, 3], (30, 120, 240), np.uint8)
    encoded = tf.constant(_encoded(image, "PNG"))
    results = {}
    for kind in ("none", "fast", "full"):
        options = AugmentationOptions(color_distortion=kind)
        made = [
            preprocess.training_image(encoded, _view(8, "inception"), options, tf.constant([1, i]))
            for i in range(8)
        ]
        results[kind] = np.stack(_run(made))
    np.testing.assert_allclose(results["none"], np.broadcast_to((30, 120, 240), (8, 8, 8, 3)))
    for kind in ("fast", "full"):
        assert results[kind].min() >= 0
        assert results[kind].max() <= 255
        assert results[kind].std(axis=0).max() > 5
    # Brightness and saturation leave the order of the channels; hue does not have to.
    assert (np.diff(results["fast"], axis=-1) >= -1e-3).all()


def test_vgg_keeps_colors_and_inception_distorts_them_by_default():
    encoded = tf.constant(_encoded(np.full([40, 40, 3], 99, np.uint8), "PNG"))
    for preprocessing, is_kept in (("vgg", True), ("inception", False)):
        made = preprocess.training_image(
            encoded, _view(8, preprocessing), AugmentationOptions(), tf.constant([5, 6])
        )
        assert (np.abs(_run(made) - 99).max() < 1e-3) == is_kept


@pytest.mark.parametrize("preprocessing", ["inception", "vgg"])
def test_without_random_crop_training_sees_what_evaluation_sees(preprocessing):
    image = _image(40, 61)
    view = _view(28, preprocessing)
    augmentation = AugmentationOptions(
        random_crop=False, color_distortion="none", random_flip=False
    )
    trained = preprocess.training_image(
        tf.constant(_encoded(image, "png")), view, augmentation, tf.constant([1, 2])
    )
    np.testing.assert_array_equal(
        _run(trained), _run(preprocess.evaluation_image(tf.constant(image), view))
    )
