"""Training crops: the short way to them gives what scaling, cutting, padding and mirroring give."""

import io

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from datasets.records import tfrecords
from datasets.segmentation import laplacian, record_format, specs
from deeplab.data import input_pipeline
from deeplab.options import InputOptions
from reference import input_order
from tests.support import tiny_dataset

# A thousandth of the range 0..255. What differs is the rounding of places in the image.
TOLERANCE = 0.255

SIZES = [(60, 90), (33, 49), (5, 131), (131, 5), (1, 1), (1, 40), (80, 2), (24, 25)]


def encoded(image: np.ndarray, image_format: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, image_format)
    return stream.getvalue()


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def write_records(directory, gradients: str) -> specs.DatasetSpec:
    """Writes images of noise in both formats.

    Args:
      directory: where to.
      gradients: "none", "laplacian" or "laplacian as png" (stored, and said to be that), or "other"
        (stored values that the image does not have).
    """
    random = np.random.RandomState(0)
    spec = tiny_dataset.write(
        directory, [("x", *tiny_dataset.random_image(0, 131, 131))] * 2 * len(SIZES)
    )
    with tfrecords.write_shard(spec.shard_paths("train")[0]) as writer:
        for index, (height, width) in enumerate(SIZES):
            for image_format in ("JPEG", "PNG"):
                noise, mask = tiny_dataset.random_image(index, height, width)
                data = encoded(noise, image_format)
                image = decoded(data)
                gradient = {
                    "none": None,
                    "laplacian": laplacian.laplacian(image),
                    "laplacian as png": laplacian.laplacian(image),
                    "other": random.randint(-1020, 1021, mask.shape).astype(np.int16),
                }[gradients]
                record = record_format.encode_example(
                    f"{image_format} {height}x{width}",
                    data,
                    image_format.lower(),
                    mask,
                    gradient,
                    gradient_format="png" if gradients.endswith("png") else "int16",
                    is_laplacian_of_image=gradients.startswith("laplacian"),
                )
                writer.write(record.SerializeToString())
    return spec


def batches(module, spec, options, *, mean_pixel=(127.5,) * 3, num_batches=12, **more):
    with tf.Graph().as_default(), tf.Session() as session:
        dataset = module.training_batches(
            spec, "train", options, batch_size=8, mean_pixel=mean_pixel, seed=7, **more
        )
        following = tf.data.make_one_shot_iterator(dataset).get_next()
        return [session.run(following) for _ in range(num_batches)]


@pytest.mark.parametrize(
    ("gradients", "options", "more"),
    [
        ("laplacian", InputOptions(crop_size=(33, 49)), {"laplacian_stride": 4}),
        ("laplacian as png", InputOptions(crop_size=(33, 49)), {"laplacian_stride": 4}),
        ("other", InputOptions(crop_size=(33, 49)), {"mean_pixel": (120.0, 110.0, 100.0)}),
        (
            "none",
            InputOptions(crop_size=(17, 33), scale_factor_step_size=0.0, max_scale_factor=3.0),
            {"laplacian_stride": 2},
        ),
        (
            "laplacian",
            InputOptions(
                crop_size=(33, 49), min_resize_value=40, max_resize_value=65, resize_factor=8
            ),
            {"laplacian_stride": 4},
        ),
    ],
)
def test_batches_are_those_of_the_plain_order(tmp_path, gradients, options, more):
    spec = write_records(tmp_path, gradients)
    more = {"with_laplacian": True, **more}
    expected = batches(input_order, spec, options, **more)
    found = batches(input_pipeline, spec, options, **more)
    assert len({name for batch in expected for name in batch["image_name"]}) == 2 * len(SIZES)
    for one, two in zip(expected, found, strict=True):
        assert one.keys() == two.keys()
        for key in ("label", "image_name", "height", "width"):
            np.testing.assert_array_equal(one[key], two[key])
        np.testing.assert_allclose(two["image"], one["image"], rtol=0, atol=TOLERANCE)
        # The Laplacian's range is eight times as large.
        np.testing.assert_allclose(two["laplacian"], one["laplacian"], rtol=0, atol=TOLERANCE)


ALL_CHANGES = {"augmentation": "strong", "random_rotation": 20.0}
SIZE = {"crop_size": (33, 49)}
RANGE = {"min_resize_value": 40, "max_resize_value": 65}


@pytest.mark.parametrize("gradients", ["none", "laplacian", "other"])
@pytest.mark.parametrize("sizes", [SIZE | RANGE, {"crop_size": (9, 17)}])
def test_a_seed_gives_the_same_changed_batches(tmp_path, gradients, sizes):
    spec = write_records(tmp_path, gradients)
    options = InputOptions(**sizes, **ALL_CHANGES)
    more = {"with_laplacian": True, "laplacian_stride": 4, "num_batches": 2}
    first, second = (batches(input_pipeline, spec, options, **more) for _ in range(2))
    for one, two in zip(first, second, strict=True):
        for key in one:
            np.testing.assert_array_equal(one[key], two[key])
        assert (one["image"].dtype, one["label"].dtype) == (np.float32, np.uint8)
        assert one["image"].min() >= 0
        assert one["image"].max() <= 255


def test_changes_of_photos_leave_labels_and_places_alone(tmp_path):
    spec = write_records(tmp_path, "laplacian")
    more = {"with_laplacian": True, "laplacian_stride": 4}
    plain = batches(input_pipeline, spec, InputOptions(**SIZE), **more)
    changed = batches(
        input_pipeline, spec, InputOptions(**SIZE, random_brightness=0.5, random_hue=0.1), **more
    )
    for one, two in zip(plain, changed, strict=True):
        np.testing.assert_array_equal(one["label"], two["label"])
        np.testing.assert_array_equal(one["image_name"], two["image_name"])
        assert np.abs(one["image"] - two["image"]).max() > 5


@pytest.mark.parametrize(
    ("sizes", "rotation"),
    [
        (SIZE, 0.0),
        (SIZE | RANGE, 1e-9),
        pytest.param(SIZE, 1e-9, marks=pytest.mark.slow),
        pytest.param(SIZE | RANGE, 0.0, marks=pytest.mark.slow),
    ],
)
def test_the_gradient_is_that_of_the_changed_image_unless_it_is_another(tmp_path, sizes, rotation):
    """Light leaves the place of a pixel alone, and multiplies what is no more than a difference."""
    options = InputOptions(**sizes, random_brightness=0.5, random_rotation=rotation)
    more = {"with_laplacian": True, "laplacian_stride": 4, "num_batches": 3}
    for gradients in ("laplacian", "laplacian as png", "none", "other"):
        (tmp_path / gradients).mkdir()
        spec = write_records(tmp_path / gradients, gradients)
        plain = batches(input_pipeline, spec, InputOptions(**sizes), **more)
        changed = batches(input_pipeline, spec, options, **more)
        for one, two in zip(plain, changed, strict=True):
            for before, after, name in zip(
                one["laplacian"], two["laplacian"], one["image_name"], strict=True
            ):
                if gradients == "other":
                    # Turned or not: OpenCV's places are 1/32 pixel apart, and neighbors are noise.
                    at = before != 0.0
                    tolerance = 90 if rotation else 0.3
                    np.testing.assert_allclose(after[at], before[at], atol=tolerance)
                elif b"60x90" in name and not rotation:
                    # No value is cut off where a factor makes the image darker.
                    factor = (after * before).sum() / (before * before).sum()
                    if factor < 1.0:
                        np.testing.assert_allclose(after, factor * before, atol=6.0)
                        assert abs(factor - 1.0) > 1e-3


def test_a_rotation_of_nothing_gives_the_crops_without_it(tmp_path):
    spec = write_records(tmp_path, "laplacian")
    more = {"with_laplacian": True, "laplacian_stride": 4}
    plain = batches(input_pipeline, spec, InputOptions(**SIZE), **more)
    turned = batches(input_pipeline, spec, InputOptions(**SIZE, random_rotation=1e-9), **more)
    for one, two in zip(plain, turned, strict=True):
        for index, name in enumerate(one["image_name"]):
            if name.split()[1] in (b"60x90", b"33x49", b"24x25"):
                before, after = ({k: v[index] for k, v in each.items()} for each in (one, two))
                # Places that lie halfway may fall to either side, and neighbors are noise.
                assert (before["label"] == after["label"]).mean() > 0.8
                assert np.median(np.abs(before["image"] - after["image"])) < 3.0


def test_both_ways_to_the_image_were_compared():
    """The first image above is scaled to more and to less than four times the crop."""
    height, width = SIZES[0]
    assert height * width * 0.5**2 < 4 * 33 * 49 < height * width * 2.0**2


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_part_of_a_jpeg_has_the_pixels_of_the_whole(subsampling, progressive):
    random = np.random.RandomState(subsampling)
    noise = random.randint(0, 256, (97, 131, 3)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(
        stream, "JPEG", quality=85, subsampling=subsampling, progressive=progressive
    )
    whole = decoded(stream.getvalue())
    with tf.Graph().as_default(), tf.Session() as session:
        box = tf.placeholder(tf.int32, [4])
        data = tf.constant(stream.getvalue())
        record = record_format.Record(tf.constant("a"), data, None)
        part = record_format.decode_image_window(record, box)
        for _ in range(60):
            top, left = random.randint(97), random.randint(131)
            height, width = 1 + random.randint(97 - top), 1 + random.randint(131 - left)
            found = session.run(part, {box: [top, left, height, width]})
            expected = whole[top : top + height, left : left + width]
            np.testing.assert_array_equal(found, expected, f"{top} {left} {height} {width}")


def test_sizes_are_read_from_the_heads_of_files():
    with tf.Graph().as_default(), tf.Session() as session:
        data = tf.placeholder(tf.string, [])
        size = record_format.image_size(record_format.Record(tf.constant("a"), data, None))
        for image_format in ("JPEG", "PNG"):
            for shape in ((3, 700), (300, 5)):
                file = encoded(np.zeros((*shape, 3), np.uint8), image_format)
                assert tuple(session.run(size, {data: file})) == shape
