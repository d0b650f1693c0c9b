"""Records of raw pixels: the smallest TFRecord that holds an image.

    label   int64       class id
    shape   int64 [3]   height, width, channels
    image   bytes       uint8 pixels, row by row, the channels of each pixel together

So does the TFRecord how-to of Stanford's course CS 20, which stores the shape as the bytes of three
int32, in the order of the machine's bytes, and of two for a gray image; such records are read, too.
Pixels take three to twenty times the bytes of a JPEG file, and nothing has to be decoded.
"""

import functools
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow.compat.v1 as tf

from common.texts import printable
from datasets.records import tfrecords

LABEL, SHAPE, IMAGE = "label", "shape", "image"

_DIMENSIONS = 3
_EXPECTED = f"{LABEL}: int64, {SHAPE}: three int64, or their bytes as int32, {IMAGE}: bytes"


def serialize(image: np.ndarray, label: int) -> bytes:
    """Returns the record of an image, uint8 [height, width, channels], and its class id."""
    assert (image.dtype, image.ndim) == (np.uint8, _DIMENSIONS), (image.dtype, image.shape)
    example = tf.train.Example()
    tfrecords.put_int64(example, LABEL, label)
    example.features.feature[SHAPE].int64_list.value[:] = image.shape
    tfrecords.put_bytes(example, IMAGE, image.tobytes())
    return example.SerializeToString()


def read(path: str) -> Iterator[tuple[np.ndarray, int]]:
    """Reads the images of a file, uint8 [height, width, channels], and their class ids.

    Raises:
      OSError: the file cannot be opened.
      ValueError: it is damaged, or holds other records; names the file and the record.
    """
    graph = tf.Graph()
    with graph.as_default():
        example = tf.data.make_one_shot_iterator(dataset(path)).get_next()
    with tf.Session(graph=graph) as session:
        number = 0
        while True:
            try:
                values = session.run(example)
            except tf.errors.OutOfRangeError:
                return
            except tf.errors.InvalidArgumentError:
                raise ValueError(
                    f"{printable(path)}: record {number} has other kinds of features than expected "
                    f"({_EXPECTED}) or than the first, or not as many bytes in image as shape says."
                ) from None
            except tf.errors.DataLossError:
                raise ValueError(
                    f"{printable(path)} is damaged after record {number}. Copy it again."
                ) from None
            yield values[IMAGE], int(values[LABEL])
            number += 1


def dataset(path: str) -> tf.data.Dataset:
    """Builds the pipeline that reads a file: "image", uint8 [height, width, channels], and "label".

    The file may be compressed with gzip or zlib.

    Raises:
      OSError, ValueError: see `read`.
    """
    compression = tfrecords.compression_of(path)
    first = next(tfrecords.read_records(path, compression), None)
    if first is None:
        raise ValueError(f"{printable(path)} has no records.")
    parse = functools.partial(_parse, has_int32_shape=_has_int32_shape(first, path))
    return tf.data.TFRecordDataset(path, compression_type=compression).map(parse)


def shape_of(features: Mapping[str, tf.train.Feature]) -> tuple[int, ...] | None:
    """Returns height, width and channels of a record of raw pixels; None of any other record."""
    if not {LABEL, SHAPE, IMAGE} <= {*features}:
        return None
    pixels = features[IMAGE].bytes_list.value
    shape = tuple(features[SHAPE].int64_list.value)
    stored = features[SHAPE].bytes_list.value
    if len(stored) == 1 and len(stored[0]) % 4 == 0:
        shape = tuple(np.frombuffer(stored[0], "<i4").tolist())
    if len(shape) == _DIMENSIONS - 1:
        shape = (*shape, 1)
    is_one = len(pixels) == 1 and len(shape) == _DIMENSIONS and min(shape) > 0
    return shape if is_one and np.prod(shape, dtype=object) == len(pixels[0]) else None


def _has_int32_shape(record: bytes, path: str) -> bool:
    features = tfrecords.read_features(record)
    if shape_of(features) is None:
        raise ValueError(
            f"{printable(path)}: record 0 has {', '.join(sorted(features)) or 'no features'}; "
            f"expected {_EXPECTED}, as many bytes as shape says. "
            "python -m datasets.records.raw_images show lists what any record holds."
        )
    return features[SHAPE].HasField("bytes_list")


def _parse(record: tf.Tensor, has_int32_shape: bool) -> dict[str, tf.Tensor]:
    features = tf.io.parse_single_example(
        record,
        {
            LABEL: tf.io.FixedLenFeature([], tf.int64),
            SHAPE: tf.io.FixedLenFeature([], tf.string)
            if has_int32_shape
            else tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True),
            IMAGE: tf.io.FixedLenFeature([], tf.string),
        },
    )
    shape = features[SHAPE]
    if has_int32_shape:
        shape = tf.io.decode_raw(shape, tf.int32)
    num_missing = tf.maximum(_DIMENSIONS - tf.size(shape), 0)
    shape = tf.concat([shape, tf.ones([num_missing], shape.dtype)], axis=0)
    shape = tf.ensure_shape(shape, [_DIMENSIONS])
    with tf.control_dependencies([tf.debugging.assert_positive(shape)]):
        shape = tf.identity(shape)
    pixels = tf.io.decode_raw(features[IMAGE], tf.uint8)
    return {IMAGE: tf.reshape(pixels, shape), LABEL: features[LABEL]}
