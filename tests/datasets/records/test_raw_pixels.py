"""datasets.records.raw_pixels: the smallest record of an image, ours and the course's."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.records import raw_pixels, tfrecords

IMAGES = [
    np.arange(size, dtype=np.uint8).reshape(shape)
    for size, shape in ((24, (2, 4, 3)), (6, (3, 2, 1)), (80, (4, 5, 4)))
]


def write(path, records) -> str:
    with tfrecords.write_shard(str(path)) as writer:
        for record in records:
            writer.write(record)
    return str(path)


def with_int32_shape(image, label) -> bytes:
    """Returns the record as the course writes it."""
    example = tf.train.Example.FromString(raw_pixels.serialize(image, label))
    example.features.feature["shape"].bytes_list.value[:] = [np.int32(image.shape).tobytes()]
    return example.SerializeToString()


@pytest.mark.parametrize("serialize", [raw_pixels.serialize, with_int32_shape])
def test_images_and_labels_come_back(tmp_path, serialize):
    path = write(tmp_path / "a", [serialize(image, n - 1) for n, image in enumerate(IMAGES)])
    found = list(raw_pixels.read(path))
    assert [label for _, label in found] == [-1, 0, 1]
    for (pixels, _), image in zip(found, IMAGES, strict=True):
        np.testing.assert_array_equal(pixels, image)
        assert pixels.dtype == np.uint8


def test_gray_images_of_the_course_have_one_channel(tmp_path):
    example = tf.train.Example.FromString(with_int32_shape(IMAGES[0][..., :1], 3))
    example.features.feature["shape"].bytes_list.value[:] = [np.int32([2, 4]).tobytes()]
    path = write(tmp_path / "gray", [example.SerializeToString(), with_int32_shape(IMAGES[0], 4)])
    (gray, label), (colored, _) = raw_pixels.read(path)
    assert label == 3
    np.testing.assert_array_equal(gray, IMAGES[0][..., :1])
    np.testing.assert_array_equal(colored, IMAGES[0])


def test_a_record_holds_the_three_features_and_the_bytes_of_the_pixels():
    record = raw_pixels.serialize(IMAGES[0], 7)
    features = tfrecords.read_features(record)
    assert {*features} == {"label", "shape", "image"}
    assert features["shape"].int64_list.value[:] == [2, 4, 3]
    assert features["image"].bytes_list.value[0] == bytes(range(24))
    assert len(record) < 24 + 60


@pytest.mark.parametrize("serialize", [raw_pixels.serialize, with_int32_shape])
def test_the_shape_is_that_of_the_pixels_or_none(serialize):
    features = tfrecords.read_features(serialize(IMAGES[0], 7))
    assert raw_pixels.shape_of(features) == (2, 4, 3)
    features["image"].bytes_list.value[0] += b"x"
    assert raw_pixels.shape_of(features) is None
    assert raw_pixels.shape_of({}) is None
    features["image"].bytes_list.value[0] = b""
    features["shape"].int64_list.value[:] = [0, 4, 3]
    assert raw_pixels.shape_of(features) is None


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"empty has no records"):
        list(raw_pixels.read(write(tmp_path / "empty", [])))
    other = tf.train.Example()
    tfrecords.put_int64(other, "height", 3)
    path = write(tmp_path / "other", [other.SerializeToString()])
    with pytest.raises(ValueError, match=r"other: record 0 has height; expected label: int64"):
        list(raw_pixels.read(path))
    good = raw_pixels.serialize(IMAGES[0], 0)
    short = tf.train.Example.FromString(good)
    short.features.feature["image"].bytes_list.value[0] = b"xx"
    mixed = [good, with_int32_shape(IMAGES[0], 0)], [good, short.SerializeToString()]
    for number, records in enumerate(mixed):
        path = write(tmp_path / f"mixed{number}", records)
        reader = raw_pixels.read(path)
        next(reader)
        with pytest.raises(
            ValueError, match=rf"mixed{number}: record 1 has other kinds of features than"
        ):
            next(reader)
    path = write(tmp_path / "damaged", [good, good])
    content = bytearray((tmp_path / "damaged").read_bytes())
    content[-10] ^= 1
    (tmp_path / "damaged").write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged is damaged after record 1"):
        list(raw_pixels.read(path))
