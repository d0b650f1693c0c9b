"""The gradient channel: OpenCV's form, the graph's form, and an independent integer calculation."""

import cv2
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.segmentation import laplacian


def run_graph(images: np.ndarray, shape=(None, None, None, 3)) -> np.ndarray:
    with tf.Graph().as_default(), tf.Session() as session:
        placeholder = tf.placeholder(tf.uint8, shape)
        return session.run(laplacian.laplacian_graph(placeholder), {placeholder: images})


def integer_laplacian(image: np.ndarray) -> np.ndarray:
    """The definition once more, in plain integers."""
    red, green, blue = np.moveaxis(image.astype(np.int64), -1, 0)
    gray = (9798 * red + 19235 * green + 3735 * blue + 16384) >> 15
    height, width = gray.shape

    def mirrored(index, size):
        return 0 if size == 1 else size - 1 - abs(size - 1 - abs(index))

    result = np.zeros((height, width), np.int64)
    for y in range(height):
        for x in range(width):
            result[y, x] = (
                gray[mirrored(y - 1, height), x]
                + gray[mirrored(y + 1, height), x]
                + gray[y, mirrored(x - 1, width)]
                + gray[y, mirrored(x + 1, width)]
                - 4 * gray[y, x]
            )
    return result


SIZES = [(1, 1), (1, 2), (2, 1), (1, 9), (9, 1), (2, 2), (3, 3), (2, 7), (16, 23), (65, 33)]


@pytest.mark.parametrize("size", SIZES)
def test_opencv_graph_and_definition_are_equal(size):
    rng = np.random.RandomState(size[0] * 100 + size[1])
    random = rng.randint(0, 256, (*size, 3)).astype(np.uint8)
    extreme = (rng.randint(0, 2, (*size, 3)) * 255).astype(np.uint8)
    for image in (random, extreme):
        stored = laplacian.laplacian(image)
        assert stored.dtype == np.int16
        np.testing.assert_array_equal(stored, integer_laplacian(image))
        np.testing.assert_array_equal(run_graph(image[None])[0, ..., 0], stored)


def test_equals_the_described_float64_laplacian():
    image = np.random.RandomState(1).randint(0, 256, (40, 50, 3)).astype(np.uint8)
    described = cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F)
    np.testing.assert_array_equal(laplacian.laplacian(image), described)


def test_graph_has_the_gray_of_opencv_for_every_color():
    """A column of one color beside a black one: the Laplacian there holds that color's gray."""
    red, blue = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    with tf.Graph().as_default(), tf.Session() as session:
        placeholder = tf.placeholder(tf.uint8, [None, 1, 2, 3])
        result = laplacian.laplacian_graph(placeholder)
        for green in range(0, 256, 15):
            colors = np.stack([red, np.full_like(red, green), blue], -1).astype(np.uint8)
            pairs = np.zeros((65536, 1, 2, 3), np.uint8)
            pairs[:, 0, 0] = colors.reshape(-1, 3)
            gray = cv2.cvtColor(colors, cv2.COLOR_RGB2GRAY).reshape(-1).astype(np.float32)
            # Mirrored on both sides, a pair (gray, 0) gives -2 gray on the left, 2 gray right.
            found = session.run(result, {placeholder: pairs})[:, 0, :, 0]
            np.testing.assert_array_equal(found, np.stack([-2 * gray, 2 * gray], -1))


def test_limit_is_reached_and_not_passed():
    image = np.zeros((3, 3, 3), np.uint8)
    image[1, 1] = 255
    assert laplacian.laplacian(image).min() == -laplacian.GRADIENT_LIMIT
    assert laplacian.laplacian(255 - image).max() == laplacian.GRADIENT_LIMIT


def test_graph_treats_the_images_of_a_batch_apart():
    images = np.random.RandomState(2).randint(0, 256, (3, 8, 5, 3)).astype(np.uint8)
    together = run_graph(images, (3, 8, 5, 3))
    assert together.shape == (3, 8, 5, 1)
    assert together.dtype == np.float32
    for image, found in zip(images, together, strict=True):
        np.testing.assert_array_equal(found[..., 0], laplacian.laplacian(image))


def test_graph_keeps_what_is_known_of_the_shape():
    with tf.Graph().as_default():
        images = tf.placeholder(tf.uint8, [2, None, 7, 3])
        assert laplacian.laplacian_graph(images).shape.as_list() == [2, None, 7, 1]


def test_graph_holds_plain_operations_only():
    """What an export of it has to be converted from."""
    with tf.Graph().as_default() as graph:
        laplacian.laplacian_graph(tf.placeholder(tf.uint8, [None, None, None, 3]))
        used = {operation.type for operation in graph.get_operations()}
    assert used <= {
        "Placeholder", "Const", "Cast", "Split", "Mul", "AddV2", "Sub", "Floor", "Shape",
        "StridedSlice", "Minimum", "Maximum", "ConcatV2", "Pack",
    }  # fmt: skip


def test_real_image(shared):
    path = sorted((shared / "camvid" / "val" / "images").iterdir())[0]
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(run_graph(image[None])[0, ..., 0], laplacian.laplacian(image))


def test_the_quick_form_for_one_image_is_equal_to_the_bit():
    random = np.random.RandomState(9)
    with tf.Graph().as_default(), tf.Session() as session:
        image = tf.placeholder(tf.uint8, [None, None, 3])
        values = laplacian.laplacian_of_image(image)
        for shape in [(1, 1), (1, 9), (9, 1), (2, 2), (3, 5), (48, 64), (37, 101)]:
            noise = random.randint(0, 256, (*shape, 3)).astype(np.uint8)
            for pixels in (noise, noise // 128 * 255):
                found = session.run(values, {image: pixels})[:, : shape[1]]
                np.testing.assert_array_equal(found, laplacian.laplacian(pixels))
