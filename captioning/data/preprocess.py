"""From an image file to the encoder's input, as research/im2txt's image_processing.py does it.

An image is scaled to a square without regard to its shape. Evaluation sees the square's middle,
training a part at random, mirrored and with changed colors.
"""

import tensorflow.compat.v1 as tf

# image_processing.py: images of 346 pixels are cut to 299.
_SCALED_SIDE = 346 / 299


def evaluation_images(images: tf.Tensor, size: int) -> tf.Tensor:
    """Makes the encoder's input of images of one size, without chance.

    Args:
      images: uint8 or float32 [batch, height, width, 3], RGB, 0..255.
      size: height and width of the input.

    Returns:
      float32 [batch, size, size, 3], RGB, 0..255.
    """
    scaled = _scale(images, size)
    first = (_scaled_side(size) - size) // 2
    return scaled[:, first : first + size, first : first + size]


def _scale(images: tf.Tensor, size: int) -> tf.Tensor:
    """Scales as TensorFlow 1 did, which the published weights know: corners at the corners."""
    side = _scaled_side(size)
    return tf.image.resize_bilinear(tf.cast(images, tf.float32), [side, side])


def _scaled_side(size: int) -> int:
    return round(_SCALED_SIDE * size)
