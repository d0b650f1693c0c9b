"""Decodes the masks of records, those of other programs too.

Ours are gray PNG files of 8 bits, of which TensorFlow decodes the ids that they hold. Of others it
does not: a palette PNG becomes the gray of its colours, values of 1, 2 and 4 bits are spread over
0..255, those of 16 bits lose their lower half, and a JPEG is decoded as if nothing was wrong with
it. So the head of the file decides. What is not of our kind is read here, in Python, to the ids
that are stored in it, or refused.
"""

import cv2
import numpy as np
import tensorflow.compat.v1 as tf

from common import image_files

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The first chunk of a PNG file has bits a channel and color type behind width and height.
_BITS_AT, _COLOR_TYPE_AT = 24, 25
_GRAY, _RGB, _PALETTE = 0, 2, 3
_OF_OURS = bytes([8, _GRAY])

# Such as keep every value. Whether a WebP file does, its head does not say.
_LOSSLESS_FORMATS = ("PNG", "BMP", "GIF", "TIFF", "PPM")
_HOW_TO_FIX = "Store class ids as an 8-bit gray PNG."


def decode(encoded: tf.Tensor, name: tf.Tensor) -> tf.Tensor:
    """Builds the graph that decodes a mask.

    Args:
      encoded: string [], the mask's file.
      name: string [], name of the example, for errors.

    Returns:
      uint8 [height, width, 1], class ids. Running it fails with tf.errors.InvalidArgumentError for
      a file that holds no ids; then the message names the example.
    """
    # No part of a string that is too short can be taken, so it is lengthened.
    head = tf.strings.join([tf.strings.substr(encoded, 0, 26), b"\0" * 26])
    is_ours = tf.equal(tf.strings.substr(head, _BITS_AT, 2), _OF_OURS) & is_png(encoded)

    def of_other_kind() -> tf.Tensor:
        ids, problem = tf.numpy_function(_read, [encoded], [tf.uint8, tf.string], stateful=False)
        message = tf.strings.join(["the mask of picture ", name, ": ", problem])
        with tf.control_dependencies([tf.Assert(tf.equal(problem, ""), [message])]):
            return tf.ensure_shape(ids, [None, None, 1])

    label = tf.cond(is_ours, lambda: tf.io.decode_png(encoded, channels=1), of_other_kind)
    label.set_shape([None, None, 1])
    return label


def is_png(encoded: tf.Tensor) -> tf.Tensor:
    """Returns bool []: whether a string begins as a PNG file does."""
    return tf.equal(tf.strings.substr(encoded, 0, len(_SIGNATURE)), _SIGNATURE)


def read_ids(data: bytes) -> np.ndarray:
    """Reads the ids that a mask's file holds: palette indices, or gray values of any depth.

    Returns:
      uint8 [height, width].

    Raises:
      ValueError: it is damaged, lossy, half transparent or coloured, or has ids above 255.
    """
    try:
        image = image_files.open_image(data, "mask")
    except ValueError as error:
        raise ValueError(str(error).removeprefix("mask: ")) from None
    if image.format not in _LOSSLESS_FORMATS:
        raise ValueError(f"it is a {image.format} file, which blurs ids. {_HOW_TO_FIX}")
    try:
        image.load()
    except Exception as error:  # Pillow's decoders raise many types on damaged bytes.
        raise ValueError(f"it is truncated or damaged ({error}).") from None
    if image.mode == "P":
        return np.array(image, np.uint8)
    values = _of_png(data) if image.format == "PNG" else np.asarray(image)
    if values.ndim == 3:
        values = _one_channel(values, image.format)
    if values.dtype.kind not in "bui":
        raise ValueError(f"it holds numbers of the type {values.dtype}. {_HOW_TO_FIX}")
    if values.min() < 0 or values.max() > 255:
        wrong = values.max() if values.max() > 255 else values.min()
        raise ValueError(f"it holds the id {wrong}; ids are 0..255. {_HOW_TO_FIX}")
    return values.astype(np.uint8)


def _read(data: bytes) -> tuple[np.ndarray, bytes]:
    """Returns ids uint8 [height, width, 1] and "", or none and what is wrong."""
    try:
        return read_ids(data)[..., np.newaxis], b""
    except ValueError as error:
        return np.zeros((0, 0, 1), np.uint8), str(error).rstrip(".").encode(errors="replace")


def _of_png(data: bytes) -> np.ndarray:
    """Returns the channels of a PNG file without palette, uint8 or uint16, alpha last.

    Pillow cuts 16-bit colours to 8 bits, without a word.
    """
    bits, color_type = data[_BITS_AT], data[_COLOR_TYPE_AT]
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise ValueError("it is truncated or damaged.")
    if values.ndim == 3 and color_type in (_GRAY, _RGB):
        values = values[..., :3]  # Without the alpha of a colour that is to be transparent.
    return values // (255 // ((1 << bits) - 1)) if bits < 8 else values


def _one_channel(values: np.ndarray, file_format: str) -> np.ndarray:
    """Returns the value of gray pixels that are stored as colours."""
    if values.shape[-1] in (2, 4):
        opaque = np.iinfo(values.dtype).max
        if file_format == "PNG" and (values[..., -1] != opaque).any():
            raise ValueError(f"it has transparent pixels. {_HOW_TO_FIX}")
        values = values[..., :-1]
    if (values != values[..., :1]).any():
        raise ValueError(f"it holds colours, and nothing says which class each is. {_HOW_TO_FIX}")
    return values[..., 0]
