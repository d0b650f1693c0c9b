"""The classification record: an image and its class as a `tf.train.Example`.

Keys are those of TF-slim's converters, so that slim's readers take our records and ours takes
theirs, those of ImageNet with boxes included:

    image/encoded                JPEG or PNG file
    image/format                 "jpeg" or "png"
    image/class/label            class id, from 0 on
    image/class/text             name of the class
    image/height, image/width    pixels
    image/filename               name of the example

slim's own records have no name of the example, or, in ImageNet's, that of a file; only image and
label are required.
"""

import tensorflow.compat.v1 as tf

from datasets.records import tfrecords

LABEL_KEY = "image/class/label"


def encode_example(
    name: str,
    image_bytes: bytes,
    image_format: str,
    label: int,
    class_name: str,
    size: tuple[int, int],
) -> tf.train.Example:
    """Makes the record of one image.

    Args:
      name: name of the example.
      image_bytes: the image as a file of `image_format`, "jpeg" or "png".
      label: class id.
      class_name: name of that class.
      size: height and width of the image.
    """
    assert image_format in ("jpeg", "png"), image_format
    example = tf.train.Example()
    tfrecords.put_bytes(example, "image/encoded", image_bytes)
    tfrecords.put_bytes(example, "image/format", image_format)
    tfrecords.put_bytes(example, "image/filename", name)
    tfrecords.put_int64(example, "image/height", size[0])
    tfrecords.put_int64(example, "image/width", size[1])
    tfrecords.put_int64(example, LABEL_KEY, label)
    tfrecords.put_bytes(example, "image/class/text", class_name)
    return example


def parse_example(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Builds the graph that takes a record, string [], apart; made for `tf.data.Dataset.map`.

    Returns:
      "image_name": string [], "" where the record has none.
      "encoded": string [], the JPEG or PNG file; `datasets.images.image_graph` decodes it.
      "label": int64 [], class id.

      Running it fails with tf.errors.InvalidArgumentError when the record has no image or label.
    """
    parsed = tf.io.parse_single_example(
        serialized,
        {
            "image/encoded": tf.io.FixedLenFeature([], tf.string),
            "image/filename": tf.io.FixedLenFeature([], tf.string, ""),
            LABEL_KEY: tf.io.FixedLenFeature([], tf.int64),
        },
    )
    return {
        "image_name": parsed["image/filename"],
        "encoded": parsed["image/encoded"],
        "label": parsed[LABEL_KEY],
    }
