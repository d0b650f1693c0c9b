"""The segmentation record: keys, exact values, and records that others have made."""

import io
import pathlib

import cv2
import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from datasets.segmentation import laplacian, record_format


def bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def int64_feature(*values: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def draw_image(height=31, width=45, seed=0) -> np.ndarray:
    """A smooth image with noise: neither flat nor a JPEG's worst case."""
    rng = np.random.RandomState(seed)
    coarse = rng.randint(0, 256, (4, 5, 3)).astype(np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int32)
    return np.clip(smooth + rng.randint(-20, 21, smooth.shape), 0, 255).astype(np.uint8)


def draw_mask(height=31, width=45) -> np.ndarray:
    return np.random.RandomState(1).choice([0, 1, 7, 255], (height, width)).astype(np.uint8)


def encode_image(image: np.ndarray, file_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, file_format, **options)
    return buffer.getvalue()


def decode_image(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def parse(example: tf.train.Example, with_gradient=True) -> dict:
    with tf.Graph().as_default(), tf.Session() as session:
        records = tf.data.Dataset.from_tensors(example.SerializeToString())
        parsed = records.map(lambda record: record_format.parse_example(record, with_gradient))
        return session.run(tf.data.make_one_shot_iterator(parsed).get_next())


def make_published_example(image_bytes: bytes, image_format: str, mask: np.ndarray, **features):
    """A record as research/deeplab's converters make it, and further features."""
    height, width = mask.shape
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                "image/encoded": bytes_feature(image_bytes),
                "image/filename": bytes_feature(b"2007_000032"),
                "image/format": bytes_feature(image_format.encode()),
                "image/height": int64_feature(height),
                "image/width": int64_feature(width),
                "image/channels": int64_feature(3),
                "image/segmentation/class/encoded": bytes_feature(encode_image(mask, "PNG")),
                "image/segmentation/class/format": bytes_feature(b"png"),
                **{f"image/{name}": feature for name, feature in features.items()},
            }
        )
    )


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_a_record_gives_back_what_went_in(file_format):
    data = encode_image(draw_image(), file_format)
    image, mask = decode_image(data), draw_mask()
    example = record_format.encode_example(
        "scene 1", data, file_format.lower(), mask, laplacian.laplacian(image)
    )
    parsed = parse(example)
    assert set(parsed) == {"image", "label", "gradient", "image_name", "height", "width"}
    assert parsed["image"].dtype == np.uint8
    assert parsed["label"].dtype == np.uint8
    assert parsed["gradient"].dtype == np.int16
    np.testing.assert_array_equal(parsed["image"], image)
    np.testing.assert_array_equal(parsed["label"][..., 0], mask)
    np.testing.assert_array_equal(parsed["gradient"][..., 0], laplacian.laplacian(image))
    assert parsed["image_name"] == b"scene 1"
    assert (parsed["height"], parsed["width"]) == (31, 45)


def test_the_keys_are_those_of_research_deeplab():
    data, mask = encode_image(draw_image(), "PNG"), draw_mask()
    example = record_format.encode_example("a", data, "png", mask)
    features = example.features.feature
    assert set(features) == {
        "image/encoded",
        "image/format",
        "image/filename",
        "image/height",
        "image/width",
        "image/channels",
        "image/segmentation/class/encoded",
        "image/segmentation/class/format",
    }
    assert features["image/encoded"].bytes_list.value[0] == data
    assert features["image/format"].bytes_list.value[0] == b"png"
    assert features["image/height"].int64_list.value[0] == 31
    assert features["image/width"].int64_list.value[0] == 45
    stored_mask = features["image/segmentation/class/encoded"].bytes_list.value[0]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(stored_mask))), mask)


EXTREMES = np.random.RandomState(0).choice([-1020, -1, 0, 1, 1020], (31, 45)).astype(np.int16)


def encode_with_gradient(gradient: np.ndarray, **options) -> tf.train.Example:
    image = draw_image(*gradient.shape)
    data = encode_image(image, "PNG")
    mask = draw_mask(*gradient.shape)
    return record_format.encode_example("a", data, "png", mask, gradient, **options)


def stored_gradient(example: tf.train.Example) -> bytes:
    return example.features.feature["image/gradient/encoded"].bytes_list.value[0]


@pytest.mark.parametrize("gradient_format", record_format.GRADIENT_FORMATS)
def test_the_stored_gradient_is_read_and_not_computed_again(gradient_format):
    example = encode_with_gradient(EXTREMES, gradient_format=gradient_format)
    (name,) = example.features.feature["image/gradient/format"].bytes_list.value
    assert name.decode() == gradient_format
    np.testing.assert_array_equal(parse(example)["gradient"][..., 0], EXTREMES)


def test_the_integers_are_little_endian_in_rows():
    stored = np.frombuffer(stored_gradient(encode_with_gradient(EXTREMES)), "<i2")
    np.testing.assert_array_equal(stored.reshape(EXTREMES.shape), EXTREMES)


def test_the_png_is_of_value_plus_32768():
    stored = stored_gradient(encode_with_gradient(EXTREMES, gradient_format="png"))
    decoded = np.asarray(Image.open(io.BytesIO(stored))).astype(np.int64)
    np.testing.assert_array_equal(decoded - 32768, EXTREMES)


def test_a_png_that_is_the_laplacian_is_computed_and_not_decoded():
    image = draw_image()
    example = encode_with_gradient(EXTREMES, gradient_format="png", is_laplacian_of_image=True)
    np.testing.assert_array_equal(parse(example)["gradient"][..., 0], laplacian.laplacian(image))


def test_the_gradient_is_a_fraction_of_the_list_and_the_png_a_fraction_of_that():
    gradient = laplacian.laplacian(draw_image(120, 160))
    integers, png = (
        len(stored_gradient(encode_with_gradient(gradient, gradient_format=name)))
        for name in ("int16", "png")
    )
    assert integers < len(int64_feature(*gradient.ravel().tolist()).SerializeToString()) / 2.5
    assert png < integers * 0.75


@pytest.mark.parametrize("image_format", ["jpeg", "jpg", "png"])
def test_a_record_of_research_deeplab_gets_its_gradient_computed(image_format):
    data = encode_image(draw_image(), "PNG" if image_format == "png" else "JPEG")
    parsed = parse(make_published_example(data, image_format, draw_mask()))
    image = decode_image(data)
    np.testing.assert_array_equal(parsed["image"], image)
    np.testing.assert_array_equal(parsed["label"][..., 0], draw_mask())
    np.testing.assert_array_equal(parsed["gradient"][..., 0], laplacian.laplacian(image))
    assert parsed["image_name"] == b"2007_000032"


def test_a_record_with_the_int64_list_is_read():
    data = encode_image(draw_image(), "JPEG")
    gradient = np.random.RandomState(3).randint(-1020, 1021, (31, 45))
    example = make_published_example(
        data, "jpg", draw_mask(), gradient=int64_feature(*gradient.ravel().tolist())
    )
    np.testing.assert_array_equal(parse(example)["gradient"][..., 0], gradient)


def test_without_gradient_none_is_decoded():
    data = encode_image(draw_image(), "JPEG")
    example = make_published_example(
        data, "jpg", draw_mask(), **{"gradient/encoded": bytes_feature(b"no PNG at all")}
    )
    assert "gradient" not in parse(example, with_gradient=False)
    with pytest.raises(tf.errors.InvalidArgumentError):
        parse(example, with_gradient=True)


JPEG_KINDS = [
    {"quality": quality, "subsampling": subsampling, "progressive": progressive}
    for quality in (60, 95)
    for subsampling in (0, 1, 2)
    for progressive in (False, True)
]


def test_pillow_opencv_and_the_reader_decode_a_jpeg_to_the_same_pixels():
    """On this the gradient's equality rests: it is stored from Pillow's pixels."""
    rng = np.random.RandomState(5)
    with tf.Graph().as_default(), tf.Session() as session:
        record = tf.placeholder(tf.string, [])
        decoded = record_format.parse_example(record, with_gradient=False)["image"]
        for options in JPEG_KINDS:
            for size in [(31, 45), (64, 64), (1, 9), (9, 1)]:
                noise = rng.randint(0, 256, (*size, 3)).astype(np.uint8)
                data = encode_image(noise, "JPEG", **options)
                example = make_published_example(data, "jpeg", np.zeros(size, np.uint8))
                image = session.run(decoded, {record: example.SerializeToString()})
                with_opencv = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
                np.testing.assert_array_equal(image, decode_image(data), str(options))
                np.testing.assert_array_equal(image, with_opencv[..., ::-1], str(options))


def test_gray_and_palette_files_are_read_as_rgb():
    gray = draw_image()[..., 0]
    palette = io.BytesIO()
    Image.fromarray(draw_image()).quantize(16).save(palette, "PNG")
    for data in (encode_image(gray, "PNG"), encode_image(gray, "JPEG"), palette.getvalue()):
        parsed = parse(make_published_example(data, "png", draw_mask()), with_gradient=False)
        np.testing.assert_array_equal(parsed["image"], decode_image(data))


def test_equal_input_gives_equal_bytes():
    image, mask = draw_image(), draw_mask()
    data = encode_image(image, "JPEG")
    first, second = (
        record_format.encode_example("a", data, "jpeg", mask, laplacian.laplacian(image))
        for _ in range(2)
    )
    assert first.SerializeToString() == second.SerializeToString()


def test_records_of_another_size_inside_name_the_example():
    data = encode_image(draw_image(), "JPEG")
    wrong_mask = make_published_example(data, "jpg", draw_mask(30, 45))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"mask and image.*2007_000032"):
        parse(wrong_mask, with_gradient=False)
    wrong_list = make_published_example(data, "jpg", draw_mask(), gradient=int64_feature(1, 2))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"image/gradient .*2007_000032"):
        parse(wrong_list)
    wrong_integers = make_published_example(
        data,
        "jpg",
        draw_mask(),
        **{
            "gradient/encoded": bytes_feature(b"abcd"),
            "gradient/format": bytes_feature(b"int16"),
        },
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"gradient/encoded.*2007_000032"):
        parse(wrong_integers)


def test_static_shapes_are_known_as_far_as_they_can_be():
    with tf.Graph().as_default():
        parsed = record_format.parse_example(tf.placeholder(tf.string, []), with_gradient=True)
    assert parsed["image"].shape.as_list() == [None, None, 3]
    assert parsed["label"].shape.as_list() == [None, None, 1]
    assert parsed["gradient"].shape.as_list() == [None, None, 1]
    assert parsed["image_name"].shape.as_list() == []
    assert parsed["height"].shape.as_list() == []


def test_the_size_is_read_without_decoding():
    example = make_published_example(b"no image", "jpeg", draw_mask())
    assert record_format.read_size(example.SerializeToString(), "x.tfrecord") == (31, 45)
    for record in (tf.train.Example().SerializeToString(), b"\xff\xff\xff"):
        with pytest.raises(ValueError, match=r"x\.tfrecord holds records without image/height"):
            record_format.read_size(record, "x.tfrecord")


def test_real_images(shared: pathlib.Path):
    folder = shared / "camvid" / "val"
    for path in sorted((folder / "images").iterdir())[:3]:
        data = path.read_bytes()
        mask = np.asarray(Image.open(folder / "labels" / f"{path.stem}.png"))
        image = decode_image(data)
        stored = record_format.encode_example(
            path.stem, data, "jpeg", mask, laplacian.laplacian(image)
        )
        computed = make_published_example(data, "jpeg", mask)
        for example in (stored, computed):
            parsed = parse(example)
            np.testing.assert_array_equal(parsed["image"], image)
            np.testing.assert_array_equal(parsed["gradient"][..., 0], laplacian.laplacian(image))
