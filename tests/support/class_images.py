"""Small images of classes on disk, for the tests of classification."""

import pathlib

import tensorflow.compat.v1 as tf

from datasets.classification import record_format
from datasets.classification.specs import ClassificationSpec
from datasets.records import tfrecords
from tests.support import sample_images


def save(folder, count: int, shift: int = 0, ending: str = "jpg") -> list[str]:
    """Writes different images `0.jpg`, `1.jpg`, … into a folder; returns their paths."""
    return [
        sample_images.save(
            pathlib.Path(folder) / f"{index}.{ending}",
            sample_images.smooth_rgb(20 + index, 30, shift + 3 * index),
        )
        for index in range(count)
    ]


def save_pets(folder, count: int = 12) -> pathlib.Path:
    """Writes two classes, cat and dog, into a folder; returns it."""
    folder = pathlib.Path(folder)
    save(folder / "cat", count)
    save(folder / "dog", count, shift=1)
    return folder


def read_records(spec: ClassificationSpec, split: str) -> list[dict]:
    """Returns the parsed records of a split in order."""
    with tf.Graph().as_default(), tf.Session() as session:
        serialized = tf.placeholder(tf.string, [])
        parsed = record_format.parse_example(serialized)
        return [
            session.run(parsed, {serialized: record})
            for path in spec.shard_paths(split)
            for record in tfrecords.read_records(path)
        ]
