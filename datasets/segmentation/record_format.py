"""The segmentation record: an image, its mask and its gradient channel as a `tf.train.Example`.

Keys and formats are those of research/deeplab's converters, so that their readers take our records
and our reader takes theirs:

    image/encoded                       JPEG or PNG file
    image/format                        "jpeg" or "png"
    image/filename                      name of the example
    image/height, image/width           pixels
    image/channels                      3
    image/segmentation/class/encoded    8-bit gray PNG file of class ids
    image/segmentation/class/format     "png"

and, for the gradient channel (`datasets.segmentation.laplacian`) of the decoded image,

    image/gradient/encoded              the values, row by row, in the format
    image/gradient/format               "int16": 16-bit integers, little endian; or
                                        "png": a 16-bit gray PNG file of gradient + 32768
    image/gradient/source               "laplacian" if it is that of this very image

The PNG file takes three fifths of the space. But the gradient is close to noise: compressing it
makes a conversion slower by a fifth, and decompressing it takes a reader longer than computing it
from the image, which ours then does. Ours also reads the int64 list `image/gradient`, height *
width values in rows, of the system that DeepLabV3+ with a gradient branch was described with, and
computes the gradient where a record has none.
"""

from typing import NamedTuple

import cv2
import numpy as np
import tensorflow.compat.v1 as tf

from datasets.images import image_graph
from datasets.records import tfrecords
from datasets.segmentation import laplacian, stored_masks

# image/gradient/source of a gradient that is `laplacian` of the record's own image.
LAPLACIAN_SOURCE = "laplacian"

# Formats of the gradient, the first being the default.
GRADIENT_FORMATS = ("int16", "png")
_PNG_OFFSET = 1 << 15

# Without row filters, which would make neither smaller: gradients are noise, masks have few ids in
# large areas. Readers take three times as long to undo them. Run lengths are quick to find, and of
# masks no larger than the matches of a dictionary.
_PNG_OPTIONS = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE),
)


def encode_example(
    name: str,
    image_bytes: bytes,
    image_format: str,
    mask: np.ndarray,
    gradient: np.ndarray | None = None,
    *,
    gradient_format: str = GRADIENT_FORMATS[0],
    is_laplacian_of_image: bool = False,
) -> tf.train.Example:
    """Makes the record of one image.

    Args:
      name: name of the example.
      image_bytes: the image as a file of `image_format`, "jpeg" or "png".
      mask: uint8 [height, width], class ids and the ignore label; as large as the image.
      gradient: int16 [height, width], the image's gradient channel; None omits it.
      gradient_format: one of `GRADIENT_FORMATS`.
      is_laplacian_of_image: whether the gradient is `laplacian` of this very image, so
        that a reader may compute it instead.
    """
    assert image_format in ("jpeg", "png"), image_format
    assert mask.dtype == np.uint8, mask.dtype
    height, width = mask.shape
    example = tf.train.Example()
    tfrecords.put_bytes(example, "image/encoded", image_bytes)
    tfrecords.put_bytes(example, "image/format", image_format)
    tfrecords.put_bytes(example, "image/filename", name)
    tfrecords.put_int64(example, "image/height", height)
    tfrecords.put_int64(example, "image/width", width)
    tfrecords.put_int64(example, "image/channels", 3)
    tfrecords.put_bytes(example, "image/segmentation/class/encoded", _encode_png(mask))
    tfrecords.put_bytes(example, "image/segmentation/class/format", "png")
    if gradient is not None:
        assert (gradient.dtype, gradient.shape) == (np.int16, mask.shape), gradient.shape
        encoded = _encode_gradient(gradient, gradient_format)
        tfrecords.put_bytes(example, "image/gradient/encoded", encoded)
        tfrecords.put_bytes(example, "image/gradient/format", gradient_format)
        if is_laplacian_of_image:
            tfrecords.put_bytes(example, "image/gradient/source", LAPLACIAN_SOURCE)
    return example


def parse_example(serialized: tf.Tensor, with_gradient: bool) -> dict[str, tf.Tensor]:
    """Builds the graph that decodes one record, string []; made for `tf.data.Dataset.map`.

    Returns:
      "image": uint8 [height, width, 3], RGB, 0..255.
      "label": uint8 [height, width, 1], class ids and the ignore label.
      "gradient": int16 [height, width, 1], only when `with_gradient`; see `read_gradient`.
      "image_name": string [].
      "height", "width": int32 [], pixels.

      Running it fails with tf.errors.InvalidArgumentError when the record cannot be decoded or
      when sizes in it differ; in the latter case the message names the example.
    """
    record = parse_record(serialized, with_gradient)
    image = decode_image(record)
    size = tf.shape(image)[:2]
    example = {
        "image": image,
        "label": decode_label(record, size),
        "image_name": record.name,
        "height": size[0],
        "width": size[1],
    }
    if with_gradient:
        example["gradient"] = read_gradient(record, image)
    return example


class Record(NamedTuple):
    """The fields of a record before anything is decoded: tensors, string [] but for one."""

    name: tf.Tensor
    image: tf.Tensor  # the file
    label: tf.Tensor  # the mask's file
    gradient: tf.Tensor | None = None  # encoded, or ""; this and the next are None if not parsed
    gradient_format: tf.Tensor | None = None
    gradient_list: tf.Tensor | None = None  # int64 [height * width] or [0]: the older form
    gradient_source: tf.Tensor | None = None  # `LAPLACIAN_SOURCE` if it is that of the image


def parse_record(serialized: tf.Tensor, with_gradient: bool) -> Record:
    """Builds the graph that takes a record, string [], apart."""
    features = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/filename": tf.io.FixedLenFeature([], tf.string, ""),
        "image/segmentation/class/encoded": tf.io.FixedLenFeature([], tf.string),
    }
    if with_gradient:
        features["image/gradient/encoded"] = tf.io.FixedLenFeature([], tf.string, "")
        features["image/gradient/format"] = tf.io.FixedLenFeature([], tf.string, "png")
        features["image/gradient"] = tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True)
        features["image/gradient/source"] = tf.io.FixedLenFeature([], tf.string, "")
    parsed = tf.io.parse_single_example(serialized, features)
    return Record(
        name=parsed["image/filename"],
        image=parsed["image/encoded"],
        label=parsed["image/segmentation/class/encoded"],
        gradient=parsed.get("image/gradient/encoded"),
        gradient_format=parsed.get("image/gradient/format"),
        gradient_list=parsed.get("image/gradient"),
        gradient_source=parsed.get("image/gradient/source"),
    )


def image_size(record: Record) -> tf.Tensor:
    """Reads (height, width) int32 [2] of the image from the head of its file."""
    return image_graph.read_size(record.image, record.name)


def decode_image(record: Record) -> tf.Tensor:
    """Decodes the image: uint8 [height, width, 3], RGB, 0..255."""
    return image_graph.decode(record.image)


def decode_image_window(record: Record, box: tf.Tensor) -> tf.Tensor:
    """Decodes a part of the image; see `image_graph.decode_window`."""
    return image_graph.decode_window(record.image, box)


def decode_label(record: Record, size: tf.Tensor) -> tf.Tensor:
    """Decodes the mask, uint8 [height, width, 1], which fails if it has not the size int32 [2]."""
    label = stored_masks.decode(record.label, record.name)
    return _match_size(label, size, "mask", record.name)


def read_gradient(record: Record, image: tf.Tensor) -> tf.Tensor:
    """Returns the gradient channel of a decoded image, computed or read: see `is_computed`.

    It is int16 [height, width, 1].
    """
    gradient = tf.cond(
        is_computed(record),
        lambda: tf.cast(laplacian.laplacian_graph(image[tf.newaxis])[0], tf.int16),
        lambda: read_stored_gradient(record, tf.shape(image)[:2]),
    )
    gradient.set_shape([None, None, 1])
    return gradient


def is_computed(record: Record) -> tf.Tensor:
    """Returns bool []: whether the gradient is to be computed from the image.

    That is so where the record has none, or where it is the image's Laplacian in another form
    than plain integers: to compute it is quicker than to decode it, and equal to the bit.
    """
    has_none = tf.equal(record.gradient, "") & tf.equal(tf.size(record.gradient_list), 0)
    is_laplacian = tf.equal(record.gradient_source, LAPLACIAN_SOURCE)
    return has_none | (is_laplacian & tf.not_equal(record.gradient_format, "int16"))


def read_stored_gradient(record: Record, size: tf.Tensor) -> tf.Tensor:
    """Returns the gradient int16 [height, width, 1] that a record holds, in whichever form.

    It fails if the gradient has not the image's size, int32 [2].
    """

    def of_integers() -> tf.Tensor:
        values = tf.io.decode_raw(record.gradient, tf.int16, little_endian=True)
        return _fold(values, size, "image/gradient/encoded", record.name)

    def of_png() -> tf.Tensor:
        gradient = tf.io.decode_png(record.gradient, channels=1, dtype=tf.uint16)
        gradient = tf.cast(tf.cast(gradient, tf.int32) - _PNG_OFFSET, tf.int16)
        return _match_size(gradient, size, "gradient", record.name)

    def of_list() -> tf.Tensor:
        values = _fold(record.gradient_list, size, "image/gradient", record.name)
        return tf.cast(values, tf.int16)

    return tf.case(
        [
            (tf.equal(record.gradient, ""), of_list),
            (tf.equal(record.gradient_format, "int16"), of_integers),
        ],
        default=of_png,
    )


def read_size(serialized: bytes, path: str) -> tuple[int, int]:
    """Reads (height, width) of a record of the file `path` without decoding its image.

    Raises:
      ValueError: the record does not say how large its image is.
    """
    features = tfrecords.read_features(serialized)
    try:
        (height,) = features["image/height"].int64_list.value
        (width,) = features["image/width"].int64_list.value
    except ValueError:
        raise ValueError(
            f"{path} holds records without image/height and image/width: they are not made for "
            "segmentation."
        ) from None
    return height, width


def _match_size(values: tf.Tensor, size: tf.Tensor, what: str, name: tf.Tensor) -> tf.Tensor:
    """Returns `values` if they are as high and wide as the image; fails at run time otherwise."""
    sizes = tf.shape(values)[:2], size
    message = f"{what} and image differ in size (height, width) in this example:"
    with tf.control_dependencies(
        [tf.Assert(tf.reduce_all(tf.equal(*sizes)), [message, name, *sizes])]
    ):
        return tf.identity(values)


def _fold(values: tf.Tensor, size: tf.Tensor, key: str, name: tf.Tensor) -> tf.Tensor:
    """Returns [pixels] as [height, width, 1]; fails at run time if they are not so many."""
    message = f"{key} has not one value for each pixel of this example:"
    is_whole = tf.equal(tf.size(values), tf.reduce_prod(size))
    with tf.control_dependencies([tf.Assert(is_whole, [message, name, tf.size(values)])]):
        return tf.reshape(values, [size[0], size[1], 1])


def _encode_png(values: np.ndarray) -> bytes:
    """Encodes uint8 or uint16 [height, width] as a gray PNG file."""
    succeeded, encoded = cv2.imencode(".png", values, _PNG_OPTIONS)
    assert succeeded, "OpenCV cannot encode PNG"
    return encoded.tobytes()


def _encode_gradient(gradient: np.ndarray, gradient_format: str) -> bytes:
    if gradient_format == "int16":
        return gradient.astype("<i2").tobytes()
    assert gradient_format == "png", gradient_format
    # Adds the offset, modulo 2**16.
    return _encode_png(gradient.view(np.uint16) ^ np.uint16(_PNG_OFFSET))
