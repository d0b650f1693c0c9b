"""The converter loop of research/deeplab: every picture and mask is decoded by a session.

A record holds the picture's file as it is, and the mask. One picture after the other, one file. The
reference that `datasets.conversion` is measured beside.
"""

import os
from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from datasets.tfrecords import bytes_feature, int64_feature


class _Reader:
    """Decodes files of one format in a session of its own."""

    def __init__(self, image_format: str, channels: int):
        with tf.Graph().as_default() as graph:
            self._encoded = tf.placeholder(tf.string)
            decode = tf.image.decode_jpeg if image_format == "jpeg" else tf.image.decode_png
            self._decoded = decode(self._encoded, channels=channels)
        self._session = tf.Session(graph=graph)

    def read_size(self, encoded: bytes) -> tuple[int, int]:
        height, width, _ = self._session.run(self._decoded, {self._encoded: encoded}).shape
        return height, width


def convert(pairs: Sequence[tuple[str, str]], output_path: str) -> None:
    """Writes one file of records.

    Args:
      pairs: (JPEG picture, PNG mask of class ids) of each example.
      output_path: the file.

    Raises:
      ValueError: a picture and its mask differ in size.
    """
    image_reader, label_reader = _Reader("jpeg", 3), _Reader("png", 1)
    with tf.io.TFRecordWriter(output_path) as writer:
        for image_path, mask_path in pairs:
            with tf.gfile.GFile(image_path, "rb") as file:
                image = file.read()
            height, width = image_reader.read_size(image)
            with tf.gfile.GFile(mask_path, "rb") as file:
                mask = file.read()
            if label_reader.read_size(mask) != (height, width):
                raise ValueError(f"{image_path} and {mask_path} differ in size.")
            name = os.path.splitext(os.path.basename(image_path))[0]
            features = {
                "image/encoded": bytes_feature(image),
                "image/filename": bytes_feature(name),
                "image/format": bytes_feature("jpeg"),
                "image/height": int64_feature(height),
                "image/width": int64_feature(width),
                "image/channels": int64_feature(3),
                "image/segmentation/class/encoded": bytes_feature(mask),
                "image/segmentation/class/format": bytes_feature("png"),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
