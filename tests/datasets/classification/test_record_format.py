"""datasets.classification.record_format: ours are read, and so are TF-slim's."""

import cv2
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.classification import record_format
from datasets.images import image_graph
from tests.support import sample_images


def parse(example: tf.train.Example) -> dict:
    parsed = record_format.parse_example(tf.constant(example.SerializeToString()))
    with tf.Session() as session:
        return session.run(parsed)


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


def test_what_is_encoded_is_parsed():
    data = png(sample_images.smooth_rgb())
    example = record_format.encode_example("pets/é.png", data, "png", 7, "naïve cat", (24, 40))
    parsed = parse(example)
    assert parsed == {"image_name": "pets/é.png".encode(), "encoded": data, "label": 7}
    assert parsed["label"].dtype == np.int64
    feature = example.features.feature
    assert feature["image/format"].bytes_list.value == [b"png"]
    assert feature["image/class/text"].bytes_list.value == ["naïve cat".encode()]
    assert feature["image/height"].int64_list.value == [24]
    assert feature["image/width"].int64_list.value == [40]
    with tf.Session() as session:
        image = session.run(image_graph.decode(tf.constant(parsed["encoded"])))
    np.testing.assert_array_equal(image, sample_images.smooth_rgb())


def slim_record(**features) -> tf.train.Example:
    """Returns a record of bytes and whole numbers, each as a list."""
    example = tf.train.Example()
    for key, values in features.items():
        feature = example.features.feature[key.replace("__", "/")]
        if isinstance(values[0], bytes):
            feature.bytes_list.value[:] = values
        elif isinstance(values[0], float):
            feature.float_list.value[:] = values
        else:
            feature.int64_list.value[:] = values
    return example


def test_slims_records_are_parsed():
    flowers = slim_record(
        image__encoded=[b"file"],
        image__format=[b"jpg"],
        image__class__label=[3],
        image__height=[1],
        image__width=[2],
    )
    assert parse(flowers) == {"image_name": b"", "encoded": b"file", "label": 3}
    imagenet = slim_record(
        image__encoded=[b"file"],
        image__filename=[b"n01440764_18.JPEG"],
        image__class__label=[1],
        image__class__synset=[b"n01440764"],
        image__class__text=[b"tench, Tinca tinca"],
        image__object__bbox__xmin=[0.1, 0.2],
        image__object__bbox__label=[1, 1],
        image__colorspace=[b"RGB"],
        image__channels=[3],
    )
    assert parse(imagenet) == {"image_name": b"n01440764_18.JPEG", "encoded": b"file", "label": 1}


@pytest.mark.parametrize("missing", ["image/encoded", "image/class/label"])
def test_a_record_without_image_or_label_fails(missing):
    example = record_format.encode_example("a", b"file", "jpeg", 1, "cat", (1, 1))
    del example.features.feature[missing]
    with pytest.raises(tf.errors.InvalidArgumentError, match=missing):
        parse(example)
