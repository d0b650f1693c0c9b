"""The plain converter: one process, one session call to decode each image and each mask.

It works like research/deeplab's `build_voc2012_data.py`, and benchmarks compare our converter with
it. It decodes every image with TensorFlow only to learn its size, checks that the mask has the same
size, and stores both files as they are. It computes no gradient channel.
"""

from collections.abc import Iterable

import tensorflow.compat.v1 as tf


def convert(pairs: Iterable[tuple[str, str]], output_path: str) -> int:
    """Writes JPEG images and their PNG masks to one TFRecord file.

    Args:
      pairs: (path of the image, path of its mask).
      output_path: the file to write.

    Returns:
      Number of records.

    Raises:
      ValueError: an image and its mask differ in size.
    """
    count = 0
    with tf.Graph().as_default():
        data = tf.placeholder(tf.string, [])
        decoded_image = tf.image.decode_jpeg(data, channels=3)
        decoded_mask = tf.image.decode_png(data, channels=1)
        session = tf.Session()
    with session, tf.io.TFRecordWriter(output_path) as writer:
        for image_path, mask_path in pairs:
            with tf.io.gfile.GFile(image_path, "rb") as file:
                image_data = file.read()
            height, width = session.run(decoded_image, {data: image_data}).shape[:2]
            with tf.io.gfile.GFile(mask_path, "rb") as file:
                mask_data = file.read()
            if session.run(decoded_mask, {data: mask_data}).shape[:2] != (height, width):
                raise ValueError(f"{mask_path}: mask and image differ in size.")
            example = _make_example(image_data, image_path, height, width, mask_data)
            writer.write(example.SerializeToString())
            count += 1
    return count


def _make_example(
    image_data: bytes, name: str, height: int, width: int, mask_data: bytes
) -> tf.train.Example:
    features = {
        "image/encoded": _bytes_feature(image_data),
        "image/filename": _bytes_feature(name.encode()),
        "image/format": _bytes_feature(b"jpeg"),
        "image/height": _int64_feature(height),
        "image/width": _int64_feature(width),
        "image/channels": _int64_feature(3),
        "image/segmentation/class/encoded": _bytes_feature(mask_data),
        "image/segmentation/class/format": _bytes_feature(b"png"),
    }
    return tf.train.Example(features=tf.train.Features(feature=features))


def _bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int64_feature(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
