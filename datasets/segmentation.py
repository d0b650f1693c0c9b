"""The segmentation record: a picture, its mask and its gradient channel as a `tf.train.Example`.

Keys and formats are those of research/deeplab's converters, so that their readers take our records
and our reader takes theirs:

    image/encoded                       JPEG or PNG file
    image/format                        "jpeg" or "png"
    image/filename                      name of the example
    image/height, image/width           pixels
    image/channels                      3
    image/segmentation/class/encoded    8-bit gray PNG file of class ids
    image/segmentation/class/format     "png"

and, for the gradient channel (`datasets.laplacian`) of the decoded picture,

    image/gradient/encoded              16-bit gray PNG file of gradient + 32768
    image/gradient/format               "png"

The system that DeepLabV3+ with a gradient branch was described with stores it as the int64 list
`image/gradient`, height * width values in rows. That takes ten times the space (a negative value
takes ten bytes); the reader takes it too, and computes the gradient where a record has none.

What is stored is exact for whoever decodes: the JPEG decoders of Pillow, OpenCV and TensorFlow give
the same pixels when TensorFlow's runs with dct_method="INTEGER_ACCURATE", which `parse_example`
uses. (TensorFlow's default differs from them by up to 21 levels on noise.)
"""

import cv2
import numpy as np
import tensorflow.compat.v1 as tf
from google.protobuf.message import DecodeError

from datasets import gradient_png, laplacian, tfrecords

_FORMATS = ("jpeg", "png")


def encode_example(
    name: str,
    image_bytes: bytes,
    image_format: str,
    image: np.ndarray | None,
    mask: np.ndarray,
    gradient: np.ndarray | None = None,
    mask_png: bytes | None = None,
) -> tf.train.Example:
    """Makes the record of one picture.

    Args:
      name: name of the example.
      image_bytes: the picture as a JPEG or PNG file.
      image_format: "jpeg" or "png".
      image: uint8 [height, width, 3], RGB: what `image_bytes` decodes to; None where it was
        not decoded, because its size is known to be the mask's.
      mask: uint8 [height, width], class ids and the ignore label.
      gradient: int16 [height, width], the picture's gradient channel; None leaves it out.
      mask_png: the mask as an 8-bit gray PNG file; None encodes it.

    Raises:
      ValueError: sizes or types do not fit together; the message names the example.
    """
    if image_format not in _FORMATS:
        raise ValueError(f"{name}: image_format is {image_format!r}; expected jpeg or png.")
    if image is not None and (image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3):
        raise ValueError(
            f"{name}: the picture is {image.dtype} {list(image.shape)}; expected uint8 "
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
    tfrecords.put_bytes(example, "image/segmentation/class/encoded", mask_png or _encode_png(mask))
    tfrecords.put_bytes(example, "image/segmentation/class/format", "png")
    if gradient is not None:
        _check_channel(name, "gradient", gradient, np.int16, (height, width))
        tfrecords.put_bytes(example, "image/gradient/encoded", gradient_png.encode(gradient))
        tfrecords.put_bytes(example, "image/gradient/format", "png")
    return example


def parse_example(serialized: tf.Tensor, with_gradient: bool) -> dict[str, tf.Tensor]:
    """Builds the graph that decodes one record; made for `tf.data.Dataset.map`.

    Args:
      serialized: string [], one record of ours or of research/deeplab's converters.
      with_gradient: whether the gradient channel is wanted. It is read from the record, or
        computed from the picture where the record has none.

    Returns:
      "image": uint8 [height, width, 3], RGB, 0..255.
      "label": uint8 [height, width, 1], class ids and the ignore label.
      "gradient": int32 [height, width, 1], only when `with_gradient`.
      "image_name": string [].
      "height", "width": int32 [], pixels.

      Running it fails with tf.errors.InvalidArgumentError when the record cannot be decoded or
      when sizes in it differ; in the latter case the message names the example.
    """
    features = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/filename": tf.io.FixedLenFeature([], tf.string, ""),
        "image/segmentation/class/encoded": tf.io.FixedLenFeature([], tf.string),
    }
    if with_gradient:
        features["image/gradient/encoded"] = tf.io.FixedLenFeature([], tf.string, "")
        features["image/gradient"] = tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True)
    parsed = tf.io.parse_single_example(serialized, features)
    name = parsed["image/filename"]

    # The kernel goes by the first bytes of the file, not by the op, so it reads PNG as well;
    # image/format need not be trusted.
    image = tf.io.decode_jpeg(parsed["image/encoded"], channels=3, dct_method="INTEGER_ACCURATE")
    label = tf.io.decode_png(parsed["image/segmentation/class/encoded"], channels=1)
    label = _match_size(label, image, "mask", name)
    example = {
        "image": image,
        "label": label,
        "image_name": name,
        "height": tf.shape(image)[0],
        "width": tf.shape(image)[1],
    }
    if with_gradient:
        example["gradient"] = _read_gradient(
            parsed["image/gradient/encoded"], parsed["image/gradient"], image, name
        )
    return example


def read_size(serialized: bytes, path: str) -> tuple[int, int]:
    """Reads (height, width) of a record without decoding its picture.

    Args:
      serialized: the record.
      path: its file, for the error.

    Raises:
      ValueError: the record is no picture of a known size.
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


def _read_gradient(
    encoded: tf.Tensor, listed: tf.Tensor, image: tf.Tensor, name: tf.Tensor
) -> tf.Tensor:
    """Returns the gradient int32 [height, width, 1], in whichever form a record has it, or not."""

    def decode():
        gradient = tf.io.decode_png(encoded, channels=1, dtype=tf.uint16)
        gradient = tf.cast(gradient, tf.int32) - gradient_png.OFFSET
        return _match_size(gradient, image, "gradient", name)

    def fold():
        num_pixels = tf.shape(image)[0] * tf.shape(image)[1]
        message = "image/gradient has not one value for each pixel of this example:"
        with tf.control_dependencies(
            [tf.Assert(tf.equal(tf.size(listed), num_pixels), [message, name, tf.size(listed)])]
        ):
            return tf.reshape(tf.cast(listed, tf.int32), [*tf.unstack(tf.shape(image)[:2]), 1])

    def compute():
        return tf.cast(laplacian.laplacian_graph(image[tf.newaxis])[0], tf.int32)

    gradient = tf.case(
        [(tf.not_equal(encoded, ""), decode), (tf.greater(tf.size(listed), 0), fold)],
        default=compute,
    )
    gradient.set_shape([None, None, 1])
    return gradient


def _match_size(values: tf.Tensor, image: tf.Tensor, what: str, name: tf.Tensor) -> tf.Tensor:
    """Returns `values` if they are as high and wide as the picture; fails at run time otherwise."""
    sizes = tf.shape(values)[:2], tf.shape(image)[:2]
    message = f"{what} and picture differ in size (height, width) in this example:"
    with tf.control_dependencies(
        [tf.Assert(tf.reduce_all(tf.equal(*sizes)), [message, name, *sizes])]
    ):
        return tf.identity(values)


def _check_channel(
    name: str, what: str, values: np.ndarray, dtype: type, size: tuple[int, int]
) -> None:
    if values.dtype != dtype or values.shape != size:
        raise ValueError(
            f"{name}: the {what} is {values.dtype} {list(values.shape)}; expected "
            f"{np.dtype(dtype)} {list(size)}, the size of the picture."
        )


def _encode_png(values: np.ndarray) -> bytes:
    """Encodes uint8 [height, width] as a gray PNG file."""
    succeeded, encoded = cv2.imencode(".png", values)
    assert succeeded, "OpenCV cannot encode PNG"
    return encoded.tobytes()
