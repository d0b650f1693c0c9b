"""Decodes the masks of records, those of other programs too.

Ours are 8-bit gray PNG files, which TensorFlow decodes to the ids that they hold. Others it does
not: a palette PNG becomes the gray of its colors, values of 1, 2 and 4 bits are spread over 0..255,
those of 16 bits lose their lower half, and a JPEG is decoded without complaint. So the head of the
file decides: other kinds are read in Python, to the ids that are stored in them, or refused.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from datasets.images import image_graph, png_file
from datasets.segmentation.masks import raw_mask

# The first chunk of a PNG file has bits per channel and color type after width and height.
_BITS_AT = 24
_OF_OURS = bytes([8, png_file.GRAY])

_NAME = "mask"  # What a file without a name is called where one has to be given.
_HOW_TO_FIX = "Store class ids as an 8-bit gray PNG."


def decode(encoded: tf.Tensor, name: tf.Tensor) -> tf.Tensor:
    """Builds the graph that decodes a mask's file, string [].

    Returns:
      uint8 [height, width, 1], class ids. Running it fails with tf.errors.InvalidArgumentError for
      a file that holds no ids; then the message names the example, string [].
    """
    # No part of a string that is too short can be taken, so it is lengthened.
    head = tf.strings.join([tf.strings.substr(encoded, 0, 26), b"\0" * 26])
    is_ours = tf.equal(tf.strings.substr(head, _BITS_AT, 2), _OF_OURS) & image_graph.is_png(encoded)

    def of_other_kind() -> tf.Tensor:
        ids, problem = tf.numpy_function(_read, [encoded], [tf.uint8, tf.string], stateful=False)
        message = tf.strings.join(["the mask of image ", name, ": ", problem])
        with tf.control_dependencies([tf.Assert(tf.equal(problem, ""), [message])]):
            return tf.ensure_shape(ids, [None, None, 1])

    label = tf.cond(is_ours, lambda: tf.io.decode_png(encoded, channels=1), of_other_kind)
    label.set_shape([None, None, 1])
    return label


def read_ids(data: bytes) -> np.ndarray:
    """Reads the ids that a mask's file holds: palette indices, or gray values of any depth.

    Raises:
      ValueError: it is damaged, lossy, half transparent or colored, or has ids above 255.
    """
    try:
        stored = raw_mask.decode(data, _NAME)
    except ValueError as error:
        raise ValueError(str(error).removeprefix(f"{_NAME}: ")) from None
    values = stored.values
    if stored.lossy_format is not None:
        raise ValueError(f"it is a {stored.lossy_format} file, which blurs ids. {_HOW_TO_FIX}")
    if values.ndim == 3:
        if (values != values[..., :1]).any():
            raise ValueError(
                f"it holds colors, and nothing says which class each is. {_HOW_TO_FIX}"
            )
        values = values[..., 0]
    if values.dtype != np.uint8:
        wrong = values.max() if values.max() > 255 else values.min()
        raise ValueError(f"it holds the id {wrong}; ids are 0..255. {_HOW_TO_FIX}")
    return values


def _read(data: bytes) -> tuple[np.ndarray, bytes]:
    """Returns ids uint8 [height, width, 1] and "", or none and what is wrong."""
    try:
        return read_ids(data)[..., np.newaxis], b""
    except ValueError as error:
        return np.zeros((0, 0, 1), np.uint8), str(error).rstrip(".").encode(errors="replace")
