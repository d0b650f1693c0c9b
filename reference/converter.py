"""The plain converter: one process, one session call to decode each image and each mask.

It works like research/deeplab's `build_voc2012_data.py`, and benchmarks compare our converter with
it. It decodes every image with TensorFlow only to learn its size, checks that the mask has the same
size, and stores both files as they are. It computes no gradient channel.
"""

from collections.abc import Iterable

import tensorflow.compat.v1 as tf


def convert(pairs: Iterable[tuple[str, str]], output_path: str) -> int:
    """Writes JPEG images and their PNG masks, pairs of paths, to one file; returns their number.

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
    texts = {
        "image/encoded": image_data,
        "image/filename": name.encode(),
        "image/format": b"jpeg",
        "image/segmentation/class/encoded": mask_data,
        "image/segmentation/class/format": b"png",
    }
    numbers = {"image/height": height, "image/width": width, "image/channels": 3}
    example = tf.train.Example()
    for key, text in texts.items():
        example.features.feature[key].bytes_list.value.append(text)
    for key, number in numbers.items():
        example.features.feature[key].int64_list.value.append(number)
    return example
