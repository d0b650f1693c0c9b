"""Resize, scale, pad, crop and flip, against NumPy, and jointly over image, label and Laplacian."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.segmentation import laplacian
from deeplab import options
from deeplab.data import preprocess
from reference import augmentation

RANGE = options.ResizeOptions(min_resize_value=33, max_resize_value=40, resize_factor=8)
MEAN_PIXEL = (123.15, 115.90, 103.06)


def example_of(height, width, seed=0):
    """An image whose three channels, label and Laplacian let one tell where a pixel came from."""
    random = np.random.RandomState(seed)
    image = random.randint(0, 256, (height, width, 3)).astype(np.uint8)
    return {
        "image": image,
        "label": random.randint(0, 5, (height, width, 1)).astype(np.uint8),
        "laplacian": laplacian.laplacian(image)[..., None].astype(np.int32),
        "image_name": np.array(b"image"),
    }


def run(function, example):
    """Runs `function` on an example whose sizes the graph does not know."""
    with tf.Graph().as_default(), tf.Session() as session:
        placeholders = {
            key: tf.placeholder(value.dtype, [None, None, value.shape[-1]] if value.ndim else [])
            for key, value in example.items()
            if key != "image_name"
        }
        placeholders["image_name"] = tf.constant(b"image")
        result = function(placeholders)
        feed = {placeholders[key]: value for key, value in example.items() if key != "image_name"}
        return session.run(result, feed)


def bilinear(image, height, width):
    """Bilinear resize with aligned corners."""
    rows = np.linspace(0, image.shape[0] - 1, height) if height > 1 else np.zeros(1)
    columns = np.linspace(0, image.shape[1] - 1, width) if width > 1 else np.zeros(1)
    image = image.astype(np.float64)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    bottom = np.minimum(top + 1, image.shape[0] - 1)
    right = np.minimum(left + 1, image.shape[1] - 1)
    down, across = (rows - top)[:, None, None], (columns - left)[None, :, None]
    upper = image[top][:, left] * (1 - across) + image[top][:, right] * across
    lower = image[bottom][:, left] * (1 - across) + image[bottom][:, right] * across
    return upper * (1 - down) + lower * down


def nearest(label, height, width):
    """Nearest-neighbor resize with aligned corners; halves round away from zero."""

    def indices(new, old):
        scale = np.float32((old - 1) / (new - 1)) if new > 1 else np.float32(old / new)
        return np.minimum(np.floor(np.arange(new, dtype=np.float32) * scale + 0.5), old - 1)

    rows, columns = indices(height, label.shape[0]), indices(width, label.shape[1])
    return label[rows.astype(int)][:, columns.astype(int)]


def range_of(smallest, largest=None, factor=None) -> options.ResizeOptions:
    return options.ResizeOptions(
        min_resize_value=smallest, max_resize_value=largest, resize_factor=factor
    )


def assert_resized(result, example, height, width):
    np.testing.assert_allclose(
        result["image"], bilinear(example["image"], height, width), atol=0.01
    )
    np.testing.assert_allclose(
        result["laplacian"], bilinear(example["laplacian"], height, width), atol=0.05
    )
    np.testing.assert_array_equal(result["label"], nearest(example["label"], height, width))


@pytest.mark.parametrize(
    ("size", "limits", "expected"),
    [
        ((375, 500), (513, 513, None), (384, 513)),
        ((500, 375), (513, 513, None), (513, 384)),
        ((375, 500), (513, 513, 16), (385, 513)),
        ((375, 500), (300, 1000, None), (300, 400)),
        ((375, 500), (300, None, None), (300, 400)),
        ((375, 500), (513, 520, 16), (385, 513)),
        ((100, 1000), (64, 200, 8), (25, 193)),
        ((1, 1000), (64, 513, None), (1, 513)),
        ((49, 49), (513, 513, None), (513, 513)),
    ],
)
def test_range_size(size, limits, expected):
    with tf.Session() as session:
        result = session.run(preprocess.range_size(tf.constant(size), range_of(*limits)))
    assert tuple(result) == expected


def test_range_size_rounds_as_research_deeplab_s():
    assert int(np.float32(45) * (np.float32(500) / np.float32(45))) == 499
    with tf.Session() as session:
        size = preprocess.range_size(tf.constant([45, 90]), range_of(500))
        assert tuple(session.run(size)) == (499, 999)


def test_resize_to_range_resizes_image_label_and_laplacian_alike():
    example = example_of(20, 31)
    result = run(lambda tensors: preprocess.resize_to_range(tensors, RANGE), example)
    assert_resized(result, example, 25, 33)
    assert result["image_name"] == b"image"


def test_resize_to_range_without_a_range_changes_nothing():
    example = example_of(5, 6)
    result = run(
        lambda tensors: preprocess.resize_to_range(tensors, options.ResizeOptions()), example
    )
    for key, value in example.items():
        np.testing.assert_array_equal(result[key], value)
    assert result["image"].dtype == np.uint8


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ((None, 513, None), "min_resize_value is not given"),
        ((None, None, 16), "min_resize_value is not given"),
        ((600, 513, None), "max_resize_value 513 is less than min_resize_value 600"),
        ((0, 513, None), "min_resize_value is 0"),
        ((513, 513, -1), "resize_factor is -1"),
    ],
)
def test_contradicting_resize_ranges_are_refused(limits, message):
    with pytest.raises(ValueError, match=message):
        range_of(*limits).validate_resize()


def scaled(example, step_size, index):
    """Scales with a seed of its own for each index."""
    seed = [3, index]
    return run(
        lambda tensors: augmentation.random_scale(tensors, 0.5, 2.0, step_size, seed), example
    )


def test_random_scale_draws_every_step_and_rounds_sides_down():
    example = example_of(21, 34)
    sizes = set()
    for index in range(60):
        result = scaled(example, 0.25, index)
        sizes.add(result["image"].shape[:2])
        if index < 6:
            assert_resized(result, example, *result["image"].shape[:2])
    scales = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
    assert sizes == {(int(21 * scale), int(34 * scale)) for scale in scales}


def test_random_scale_without_step_is_continuous():
    example = example_of(100, 100)
    heights = [scaled(example, 0.0, index)["image"].shape[0] for index in range(20)]
    assert 50 <= min(heights) < max(heights) <= 200
    assert len(set(heights)) > 15


def test_a_fixed_scale_is_applied_and_scale_one_leaves_uint8():
    example = example_of(10, 20)
    result = run(
        lambda tensors: augmentation.random_scale(tensors, 1.5, 1.5, 0.25, [0, 0]), example
    )
    assert result["image"].shape == (15, 30, 3)
    result = run(
        lambda tensors: augmentation.random_scale(tensors, 1.0, 1.0, 0.25, [0, 0]), example
    )
    assert result["image"].dtype == np.uint8
    np.testing.assert_array_equal(result["image"], example["image"])


def test_a_tiny_scale_keeps_one_pixel():
    result = run(
        lambda tensors: augmentation.random_scale(tensors, 0.1, 0.1, 0.0, [0, 0]), example_of(3, 40)
    )
    assert result["label"].shape == (1, 4, 1)


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ((0.0, 2.0, 0.25), "min_scale_factor is 0.0"),
        ((2.0, 0.5, 0.25), "min_scale_factor is 2.0 and max_scale_factor 0.5"),
        ((0.5, 2.0, -1.0), "scale_factor_step_size is -1.0"),
    ],
)
def test_impossible_scales_are_refused(scales, message):
    names = ("min_scale_factor", "max_scale_factor", "scale_factor_step_size")
    values = dict(zip(names, scales, strict=True))
    with pytest.raises(ValueError, match=message):
        options.InputOptions(crop_size=None, **values)


def test_random_crop_cuts_one_window_out_of_all_three_at_every_place():
    example = example_of(7, 9)
    rows, columns = np.indices((7, 9))
    example["image"] = np.stack([rows, columns, rows * 0], axis=-1).astype(np.uint8)
    example["label"] = (rows * 9 + columns)[..., None].astype(np.uint8)
    example["laplacian"] = -example["label"].astype(np.int32)
    starts = set()
    with tf.Graph().as_default(), tf.Session() as session:
        seed = tf.placeholder(tf.int32, [2])
        tensors = {key: tf.constant(value) for key, value in example.items()}
        cropped = augmentation.random_crop(tensors, (5, 6), seed)
        for index in range(150):
            result = session.run(cropped, {seed: [1, index]})
            row, column = result["image"][0, 0, :2].astype(int)
            starts.add((row, column))
            window = np.s_[row : row + 5, column : column + 6]
            for key in ("image", "label", "laplacian"):
                np.testing.assert_array_equal(result[key], example[key][window])
    assert starts == {(row, column) for row in range(3) for column in range(4)}


def test_random_crop_keeps_sides_that_are_too_short():
    example = example_of(4, 9)
    result = run(lambda tensors: augmentation.random_crop(tensors, (5, 6), [0, 1]), example)
    assert result["image"].shape == (4, 6, 3)
    assert result["laplacian"].shape == (4, 6, 1)


def test_padding_is_mean_pixel_ignore_label_and_zero_laplacian_bottom_right():
    example = example_of(4, 5)
    result = run(lambda tensors: preprocess.pad_to_crop(tensors, (7, 6), MEAN_PIXEL, 255), example)
    expected = np.empty((7, 6, 3), np.float32)
    expected[:] = MEAN_PIXEL
    expected[:4, :5] = example["image"]
    np.testing.assert_array_equal(result["image"], expected)
    np.testing.assert_array_equal(result["label"][:4, :5], example["label"])
    np.testing.assert_array_equal(result["laplacian"][:4, :5], example["laplacian"])
    outside = np.ones((7, 6), bool)
    outside[:4, :5] = False
    assert set(result["label"][outside].ravel()) == {255}
    assert set(result["laplacian"][outside].ravel()) == {0}


def test_padding_makes_sizes_known_to_the_graph():
    tensors = {
        "image": tf.placeholder(tf.uint8, [None, None, 3]),
        "label": tf.placeholder(tf.uint8, [None, None, 1]),
    }
    padded = preprocess.pad_to_crop(tensors, (7, 6), MEAN_PIXEL, 255)
    assert padded["image"].shape.as_list() == [7, 6, 3]
    assert padded["label"].shape.as_list() == [7, 6, 1]


def test_crop_then_pad_equals_pad_then_crop_of_the_same_window():
    """Where a side is too short, padding first has only one window along it: at 0."""
    example = example_of(4, 12)

    def crop_then_pad(tensors):
        return preprocess.pad_to_crop(
            augmentation.random_crop(tensors, (6, 8), [5, 5]), (6, 8), MEAN_PIXEL, 255
        )

    result = run(crop_then_pad, example)
    padded = np.full((6, 12), 255)
    padded[:4] = example["label"][..., 0]
    windows = [padded[:, start : start + 8] for start in range(5)]
    assert sum((window == result["label"][..., 0]).all() for window in windows) == 1


def test_random_flip_mirrors_all_three_together_about_half_the_time():
    example = example_of(3, 4)
    num_flipped = 0
    with tf.Graph().as_default(), tf.Session() as session:
        seed = tf.placeholder(tf.int32, [2])
        tensors = {key: tf.constant(value) for key, value in example.items()}
        flipped = augmentation.random_flip(tensors, seed)
        for index in range(200):
            result = session.run(flipped, {seed: [2, index]})
            is_flipped = not np.array_equal(result["image"], example["image"])
            num_flipped += is_flipped
            for key in ("image", "label", "laplacian"):
                expected = example[key][:, ::-1] if is_flipped else example[key]
                np.testing.assert_array_equal(result[key], expected)
    assert 70 <= num_flipped <= 130


def test_the_laplacian_of_a_mirrored_image_is_the_mirrored_laplacian():
    """Why a stored Laplacian may be flipped with its image."""
    example = example_of(8, 9)
    result = run(lambda tensors: augmentation.random_flip(tensors, [0, 0]), example)
    np.testing.assert_array_equal(result["label"], example["label"][:, ::-1])
    np.testing.assert_array_equal(
        result["laplacian"][..., 0], laplacian.laplacian(result["image"].astype(np.uint8))
    )


def test_the_same_seed_gives_the_same_result():
    example = example_of(20, 20)

    def augment(tensors):
        tensors = augmentation.random_scale(tensors, 0.5, 2.0, 0.0, [7, 1])
        return augmentation.random_crop(tensors, (8, 8), [7, 2])

    first, second = run(augment, example), run(augment, example)
    np.testing.assert_array_equal(first["image"], second["image"])
