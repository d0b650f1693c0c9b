"""Small datasets of labeled images: the class is the color of a square on noise."""

import functools
import os
from collections.abc import Callable

import numpy as np
import tensorflow.compat.v1 as tf

from datasets.classification import record_format, specs
from datasets.records import tfrecords

COLORS = {"blue": (30, 60, 220), "green": (40, 180, 60), "red": (210, 40, 50)}
SIDE = 40


def draw(label: int, number: int) -> np.ndarray:
    """Returns an image of a class, uint8 [SIDE, SIDE, 3]."""
    random = np.random.RandomState(1000 * label + number)
    image = random.randint(60, 190, [SIDE, SIDE, 3]).astype(np.uint8)
    y, x = random.randint(0, SIDE // 3, 2)
    image[y : y + 24, x : x + 24] = list(COLORS.values())[label]
    return image


def encode(image: np.ndarray) -> bytes:
    """Returns an image as a JPEG file."""
    return _encoder()(image)


@functools.cache
def _encoder() -> Callable[[np.ndarray], bytes]:
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.uint8, [None, None, 3])
        jpeg = tf.io.encode_jpeg(image)
        session = tf.Session(graph=graph)
    return session.make_callable(jpeg, [image])


def write(
    directory: str, name: str = "squares", has_names: bool = True, **num_images: int
) -> specs.ClassificationSpec:
    """Writes a dataset of records.

    Args:
      directory: of the records.
      name: of the dataset.
      has_names: whether the records name their images.
      **num_images: of each class, by split.
    """
    os.makedirs(directory, exist_ok=True)
    splits = {}
    first = 0
    for split, count in num_images.items():
        examples = [
            (label, f"{class_name}/{number}")
            for number in range(first, first + count)
            for label, class_name in enumerate(COLORS)
        ]
        path = tfrecords.shard_path(directory, split, 0, 1)
        with tfrecords.write_shard(path) as writer:
            for label, image_name in examples:
                image = draw(label, int(image_name.split("/")[1]))
                example = record_format.encode_example(
                    image_name if has_names else "",
                    encode(image),
                    "jpeg",
                    label,
                    list(COLORS)[label],
                    (SIDE, SIDE),
                )
                writer.write(example.SerializeToString())
        splits[split] = specs.ClassificationSplit(
            len(examples), 1, (count,) * len(COLORS), SIDE, SIDE, (len(examples),)
        )
        first += count
    spec = specs.ClassificationSpec(name, directory, tuple(COLORS), splits)
    specs.write_spec(spec)
    return spec
