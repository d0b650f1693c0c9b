"""The plain converter: one process, one session call to decode each image and each mask.

This is how research/deeplab's `build_voc2012_data.py` works, written anew as what our converter is
measured against: it decodes every image with TensorFlow only to learn its size, checks that the
mask has the same size, and stores both files as they are. It computes no gradient channel.
"""

from collections.abc import Iterable

import tensorflow.compat.v1 as tf


class _SizeReader:
    """Tells the size of image files of one kind by decoding them in a session.

    Args:
      decode: `tf.image.decode_jpeg` or `tf.image.decode_png`.
      channels: channels to decode to.
    """

    def __init__(self, decode, channels: int):
        with tf.Graph().as_default() as graph:
            self._data = tf.placeholder(tf.string, [])
            self._image = decode(self._data, channels=channels)
            self._session = tf.Session(graph=graph)

    def read_size(self, data: bytes) -> tuple[int, int]:
        """Returns (height, width) of the image that a file's bytes hold."""
        image = self._session.run(self._image, {self._data: data})
        return image.shape[:2]

    def close(self) -> None:
        self._session.close()


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
    image_reader = _SizeReader(tf.image.decode_jpeg, channels=3)
    mask_reader = _SizeReader(tf.image.decode_png, channels=1)
    count = 0
    with tf.io.TFRecordWriter(output_path) as writer:
        for image_path, mask_path in pairs:
            with tf.io.gfile.GFile(image_path, "rb") as file:
                image_data = file.read()
            height, width = image_reader.read_size(image_data)
            with tf.io.gfile.GFile(mask_path, "rb") as file:
                mask_data = file.read()
            if mask_reader.read_size(mask_data) != (height, width):
                raise ValueError(f"{mask_path}: mask and image differ in size.")
            example = _make_example(image_data, image_path, height, width, mask_data)
            writer.write(example.SerializeToString())
            count += 1
    image_reader.close()
    mask_reader.close()
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
