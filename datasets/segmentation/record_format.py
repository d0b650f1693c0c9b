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
makes a conversion slower by a fifth, and to decompress it takes a reader longer than to compute it
from the image, which ours then does.

The system that DeepLabV3+ with a gradient branch was described with stores it as the int64 list
`image/gradient`, height * width values in rows. That takes five times the space of "int16" (a
negative value takes ten bytes); the reader takes it too, and computes the gradient where a record
has none.

What is stored is exact for whoever decodes: the JPEG decoders of Pillow, OpenCV and TensorFlow give
the same pixels when TensorFlow's runs with dct_method="INTEGER_ACCURATE", which `parse_example`
uses. (TensorFlow's default differs from them by up to 21 levels on noise.)
"""

from typing import NamedTuple

import cv2
import numpy as np
import tensorflow.compat.v1 as tf
from google.protobuf.message import DecodeError

from datasets.records import tfrecords
from datasets.segmentation import laplacian, stored_masks

_FORMATS = ("jpeg", "png")
_DCT_METHOD = "INTEGER_ACCURATE"

# image/gradient/source of a gradient that is `laplacian` of the record's own image.
LAPLACIAN_SOURCE = "laplacian"

# Pixels around a part of a JPEG file that are decoded with it: the largest block of color that is
# interpolated, with which the rest has the values of the whole image (shown by a test).
_JPEG_RIM = 16

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
    image: np.ndarray | None,
    mask: np.ndarray,
    gradient: np.ndarray | None = None,
    *,
    gradient_format: str = GRADIENT_FORMATS[0],
    is_laplacian_of_image: bool = False,
) -> tf.train.Example:
    """Makes the record of one image.

    Args:
      name: name of the example.
      image_bytes: the image as a JPEG or PNG file.
      image_format: "jpeg" or "png".
      image: uint8 [height, width, 3], RGB: what `image_bytes` decodes to; None where it was
        not decoded, because its size is known to be the mask's.
      mask: uint8 [height, width], class ids and the ignore label.
      gradient: int16 [height, width], the image's gradient channel; None omits it.
      gradient_format: one of `GRADIENT_FORMATS`.
      is_laplacian_of_image: whether the gradient is `laplacian` of this very image, so
        that a reader may compute it instead.

    Raises:
      ValueError: sizes or types do not fit together; the message names the example.
    """
    if image_format not in _FORMATS:
        raise ValueError(f"{name}: image_format is {image_format!r}; expected jpeg or png.")
    if image is not None and (image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3):
        raise ValueError(
            f"{name}: the image is {image.dtype} {list(image.shape)}; expected uint8 "
            "[height, width, 3]."
        )
    height, width = mask.shape if image is None else image.shape[:2]
    _check_channel(name, "mask", mask, np.uint8, (height, width))
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
        _check_channel(name, "gradient", gradient, np.int16, (height, width))
        encoded = _encode_gradient(gradient, gradient_format)
        tfrecords.put_bytes(example, "image/gradient/encoded", encoded)
        tfrecords.put_bytes(example, "image/gradient/format", gradient_format)
        if is_laplacian_of_image:
            tfrecords.put_bytes(example, "image/gradient/source", LAPLACIAN_SOURCE)
    return example


def parse_example(serialized: tf.Tensor, with_gradient: bool) -> dict[str, tf.Tensor]:
    """Builds the graph that decodes one record; made for `tf.data.Dataset.map`.

    Args:
      serialized: string [], one record of ours or of research/deeplab's converters.
      with_gradient: whether the gradient channel is wanted; see `read_gradient`.

    Returns:
      "image": uint8 [height, width, 3], RGB, 0..255.
      "label": uint8 [height, width, 1], class ids and the ignore label.
      "gradient": int16 [height, width, 1], only when `with_gradient`.
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
    """The fields of a record, as tensors, before anything is decoded; None where not parsed.

    Attributes:
      name: string [].
      image: string [], the image's file.
      label: string [], the mask's file.
      gradient: string [], the encoded gradient, or "".
      gradient_format: string [], the format of that.
      gradient_list: int64 [height * width] or [0], the gradient in the older form.
      gradient_source: string [], `LAPLACIAN_SOURCE` if the gradient is that of the image.
    """

    name: tf.Tensor
    image: tf.Tensor
    label: tf.Tensor
    gradient: tf.Tensor | None = None
    gradient_format: tf.Tensor | None = None
    gradient_list: tf.Tensor | None = None
    gradient_source: tf.Tensor | None = None


def parse_record(serialized: tf.Tensor, with_gradient: bool) -> Record:
    """Builds the graph that takes a record apart.

    Args:
      serialized: string [].
      with_gradient: whether the gradient's fields are wanted; they are None otherwise.
    """
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

    def of_png() -> tf.Tensor:
        message = "the image is neither a JPEG nor a PNG file in this example:"
        is_png = tf.Assert(stored_masks.is_png(record.image), [message, record.name])
        # The first chunk of a PNG file begins with width and height, at byte 16.
        with tf.control_dependencies([is_png]):
            sides = tf.io.decode_raw(
                tf.strings.substr(record.image, 16, 8), tf.int32, little_endian=False
            )
        return tf.reverse(tf.ensure_shape(sides, [2]), axis=[0])

    return tf.cond(
        tf.io.is_jpeg(record.image),
        lambda: tf.io.extract_jpeg_shape(record.image)[:2],
        of_png,
    )


def decode_image(record: Record) -> tf.Tensor:
    """Decodes the image: uint8 [height, width, 3], RGB, 0..255."""
    return decode_image_file(record.image)


def decode_image_file(contents: tf.Tensor) -> tf.Tensor:
    """Decodes a JPEG or PNG file, string []: uint8 [height, width, 3], RGB, 0..255."""
    # The kernel goes by the first bytes of the file, not by the op, so it reads PNG as well;
    # image/format need not be trusted.
    return tf.io.decode_jpeg(contents, channels=3, dct_method=_DCT_METHOD)


def decode_image_window(record: Record, box: tf.Tensor) -> tf.Tensor:
    """Decodes a part of the image; of a JPEG file only that, to the values of the whole one.

    Args:
      record: of the image.
      box: int32 [4], top, left, height, width of the part.

    Returns:
      uint8 [box height, box width, 3], RGB, 0..255.
    """
    top, left, height, width = tf.unstack(box)

    def of_jpeg() -> tf.Tensor:
        # Color is stored at half the size and interpolated, which at the rim of a part lacks a
        # neighbour: decode a little more, and cut.
        size = tf.io.extract_jpeg_shape(record.image)[:2]
        start = tf.maximum(box[:2] - _JPEG_RIM, 0)
        stop = tf.minimum(box[:2] + box[2:] + _JPEG_RIM, size)
        part = tf.io.decode_and_crop_jpeg(
            record.image, tf.concat([start, stop - start], 0), channels=3, dct_method=_DCT_METHOD
        )
        inner = box[:2] - start
        return tf.slice(part, [inner[0], inner[1], 0], [height, width, 3])

    def of_png() -> tf.Tensor:
        return tf.slice(decode_image(record), [top, left, 0], [height, width, 3])

    part = tf.cond(tf.io.is_jpeg(record.image), of_jpeg, of_png)
    part.set_shape([None, None, 3])
    return part


def decode_label(record: Record, size: tf.Tensor) -> tf.Tensor:
    """Decodes the mask: uint8 [height, width, 1]; see `stored_masks` for other kinds.

    Args:
      record: of the image.
      size: int32 [2], height and width of the image; another size is an error that names it.
    """
    label = stored_masks.decode(record.label, record.name)
    return _match_size(label, size, "mask", record.name)


def read_gradient(record: Record, image: tf.Tensor) -> tf.Tensor:
    """Returns the gradient channel of the whole image, computed or read: see `is_computed`.

    Args:
      record: of the image, parsed with its gradient.
      image: uint8 [height, width, 3], the decoded image.

    Returns:
      int16 [height, width, 1].
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

    Args:
      record: of the image, with a gradient.
      size: int32 [2], height and width of the image.
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
    """Reads (height, width) of a record without decoding its image.

    Args:
      serialized: the record.
      path: its file, for the error.

    Raises:
      ValueError: the record does not say how large its image is.
    """
    try:
        feature = tf.train.Example.FromString(serialized).features.feature
        (height,) = feature["image/height"].int64_list.value
        (width,) = feature["image/width"].int64_list.value
    except (ValueError, DecodeError):
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


def _check_channel(
    name: str, what: str, values: np.ndarray, dtype: type, size: tuple[int, int]
) -> None:
    if values.dtype != dtype or values.shape != size:
        raise ValueError(
            f"{name}: the {what} is {values.dtype} {list(values.shape)}; expected "
            f"{np.dtype(dtype)} {list(size)}, the size of the image."
        )


def _encode_png(values: np.ndarray) -> bytes:
    """Encodes uint8 or uint16 [height, width] as a gray PNG file."""
    succeeded, encoded = cv2.imencode(".png", values, _PNG_OPTIONS)
    assert succeeded, "OpenCV cannot encode PNG"
    return encoded.tobytes()


def _encode_gradient(gradient: np.ndarray, gradient_format: str) -> bytes:
    if gradient_format == "int16":
        return gradient.astype("<i2").tobytes()
    if gradient_format == "png":
        # Adds the offset, modulo 2**16.
        return _encode_png(gradient.view(np.uint16) ^ np.uint16(_PNG_OFFSET))
    raise ValueError(
        f"gradient_format is {gradient_format!r}; expected {' or '.join(GRADIENT_FORMATS)}."
    )
