"""datasets.records.feature_listing: what records of any program hold."""

import io

import numpy as np
import tensorflow.compat.v1 as tf
from PIL import Image

from datasets.records import feature_listing, raw_pixels


def encoded(image_format: str, size=(6, 4), mode="RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, image_format)
    return buffer.getvalue()


def record_of(**features) -> bytes:
    example = tf.train.Example()
    for key, values in features.items():
        feature = example.features.feature[key]
        if values and isinstance(values[0], bytes):
            feature.bytes_list.value[:] = values
        elif values and isinstance(values[0], float):
            feature.float_list.value[:] = values
        elif values:
            feature.int64_list.value[:] = values
        else:
            feature.SetInParent()
    return example.SerializeToString()


def test_each_feature_has_a_line_with_its_type_and_values():
    jpeg = encoded("JPEG")
    record = record_of(
        z=[1],
        many=list(range(-3, 17)),
        boxes=[0.25, 1.0],
        name=["café".encode()],
        escape=[b"\x1b[31mred"],
        raw=[bytes(range(200, 240))],
        image=[jpeg],
        nothing=[],
    )
    assert feature_listing.describe(record) == [
        "boxes    float  2 values: 0.25, 1",
        "escape   bytes  8 bytes: 1b 5b 33 31 6d 72 65 64",
        f"image    bytes  JPEG image, 6x4, RGB, {len(jpeg):,} bytes",
        "many     int64  20 values, -3 to 16: -3, -2, -1, 0, 1, 2, 3, 4, …",
        "name     bytes  'café'",
        "nothing  empty  no value",
        "raw      bytes  40 bytes: c8 c9 ca cb cc cd ce cf d0 d1 d2 d3 d4 d5 d6 d7 …",
        "z        int64  1",
    ]


def test_sequences_raw_pixels_and_other_records_are_told():
    example = tf.train.SequenceExample()
    example.context.feature["id"].int64_list.value[:] = [5]
    words = example.feature_lists.feature_list["words"]
    for word in (b"a", b"cat"):
        words.feature.add().bytes_list.value[:] = [word]
    example.feature_lists.feature_list["none"].SetInParent()
    assert feature_listing.describe(example.SerializeToString()) == [
        "id     int64       5",
        "none    list       0 steps: no value",
        "words  bytes list  2 steps: 2 values: 'a', 'cat'",
    ]
    pixels = np.zeros((4, 6, 3), np.uint8)
    lines = feature_listing.describe(raw_pixels.serialize(pixels, 2))
    assert lines[0] == "image  bytes  raw pixels, 6x4, channels: 3"
    assert feature_listing.describe(b"\xff\xffno example") == [
        "no tf.train.Example; it begins with ff ff 6e 6f 20 65 78 61 6d 70 6c 65"
    ]
    assert feature_listing.describe(b"") == ["no features"]


def test_images_are_found_wherever_they_are():
    png, jpeg = encoded("PNG", mode="L"), encoded("JPEG")
    found = list(feature_listing.images(record_of(a=[b"text"], b=[jpeg, png], c=[png], d=[3])))
    assert [(each.key, each.ending) for each in found] == [
        ("b_0", ".jpg"),
        ("b_1", ".png"),
        ("c", ".png"),
    ]
    assert found[0].content == jpeg
    for shape in ((4, 6, 1), (4, 6, 3), (4, 6, 4)):
        pixels = np.random.RandomState(0).randint(0, 256, shape, np.uint8)
        [image] = feature_listing.images(raw_pixels.serialize(pixels, 2))
        decoded = np.asarray(Image.open(io.BytesIO(image.content)))
        np.testing.assert_array_equal(decoded.reshape(shape), pixels)
    assert list(feature_listing.images(b"\xff\xff")) == []
