"""Decodes the image files of records as part of a graph.

The JPEG decoders of Pillow, OpenCV and TensorFlow give the same pixels if TensorFlow's runs with
dct_method="INTEGER_ACCURATE". (Its default differs from them by up to 21 levels on noise.)
"""

import tensorflow.compat.v1 as tf

from datasets.images import png_file

_DCT_METHOD = "INTEGER_ACCURATE"

# Pixels around a part of a JPEG file that are decoded with it: the largest block of color that is
# interpolated, with which the rest has the values of the whole image (shown by a test).
_JPEG_RIM = 16


def decode(contents: tf.Tensor) -> tf.Tensor:
    """Decodes a JPEG or PNG file, string []: uint8 [height, width, 3], RGB, 0..255."""
    # The kernel goes by the first bytes of the file, not by the op, so it reads PNG as well;
    # image/format need not be trusted.
    return tf.io.decode_jpeg(contents, channels=3, dct_method=_DCT_METHOD)


def read_size(contents: tf.Tensor, name: tf.Tensor) -> tf.Tensor:
    """Reads (height, width) int32 [2] of an image from the head of its file, string [].

    Running it fails with tf.errors.InvalidArgumentError for another kind of file; then the message
    has the name of the example, string [].
    """

    def of_png() -> tf.Tensor:
        message = "the image is neither a JPEG nor a PNG file in this example:"
        # The first chunk of a PNG file begins with width and height, at byte 16.
        with tf.control_dependencies([tf.Assert(is_png(contents), [message, name])]):
            sides = tf.io.decode_raw(
                tf.strings.substr(contents, 16, 8), tf.int32, little_endian=False
            )
        return tf.reverse(tf.ensure_shape(sides, [2]), axis=[0])

    return tf.cond(tf.io.is_jpeg(contents), lambda: tf.io.extract_jpeg_shape(contents)[:2], of_png)


def decode_window(contents: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    """Decodes a part of an image: uint8 [height, width, 3], RGB, 0..255.

    The box is int32 [4]: top, left, height, width. Of a JPEG file only that part is decoded, to the
    values that it has when the whole image is decoded.
    """
    top, left, height, width = tf.unstack(box)

    def of_jpeg() -> tf.Tensor:
        # Color is stored at half the size and interpolated, which at the rim of a part lacks a
        # neighbor: decode a little more, and cut.
        size = tf.io.extract_jpeg_shape(contents)[:2]
        start = tf.maximum(box[:2] - _JPEG_RIM, 0)
        stop = tf.minimum(box[:2] + box[2:] + _JPEG_RIM, size)
        part = tf.io.decode_and_crop_jpeg(
            contents, tf.concat([start, stop - start], 0), channels=3, dct_method=_DCT_METHOD
        )
        inner = box[:2] - start
        return tf.slice(part, [inner[0], inner[1], 0], [height, width, 3])

    def of_png() -> tf.Tensor:
        return tf.slice(decode(contents), [top, left, 0], [height, width, 3])

    part = tf.cond(tf.io.is_jpeg(contents), of_jpeg, of_png)
    part.set_shape([None, None, 3])
    return part


def is_png(contents: tf.Tensor) -> tf.Tensor:
    """Returns bool []: whether a string begins as a PNG file does."""
    return tf.equal(tf.strings.substr(contents, 0, len(png_file.SIGNATURE)), png_file.SIGNATURE)
