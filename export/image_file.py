"""An image file → its pixels, as part of a graph: the same as Pillow's. Knows no task."""

import tensorflow.compat.v1 as tf

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Where the first chunk of a PNG file, its header, has bits per channel and kind of color.
_PNG_DEPTH = 24
_PNG_GRAY = 0
_EXPECTED = "expected a JPEG file, or a PNG file of 8 bits per channel."


def decode(content: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    """Decodes a JPEG or PNG file to uint8 [height, width, 3], RGB; alpha is dropped.

    Running it fails for other kinds of files, and for gray PNG files of 16 bits, whose values do
    not show what is black and what is white.

    Args:
      content: string [], the file.
      number: integer [], what errors call it.
    """
    name = tf.strings.format("image_bytes {}", number)
    image = tf.cond(
        tf.io.is_jpeg(content),
        # Pillow's decoder; TensorFlow's default is faster and differs by up to 21 levels.
        lambda: tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: _decode_png(content, name),
    )
    image.set_shape([None, None, 3])
    return image


def _decode_png(content: tf.Tensor, name: tf.Tensor) -> tf.Tensor:
    is_png = tf.equal(tf.strings.substr(content, 0, len(_PNG_SIGNATURE)), _PNG_SIGNATURE)
    # A shorter file is damaged, which the decoder says.
    head = tf.strings.substr(content + b"\0" * (_PNG_DEPTH + 2), _PNG_DEPTH, 2)
    depth, color = tf.unstack(tf.ensure_shape(tf.io.decode_raw(head, tf.uint8), [2]))
    checks = [
        _check(is_png, name, "is neither a JPEG nor a PNG file;"),
        _check(
            tf.not_equal(depth, 16) | tf.not_equal(color, _PNG_GRAY),
            name,
            "is a gray PNG file of 16 bits per channel; scale its values to 0..255 as the training "
            "images were:",
        ),
    ]
    with tf.control_dependencies(checks):
        return tf.io.decode_png(tf.identity(content), channels=3)


def _check(is_right: tf.Tensor, name: tf.Tensor, problem: str) -> tf.Operation:
    return tf.Assert(is_right, [tf.strings.join([name, f"{problem} {_EXPECTED}"], " ")])
