"""From an image file to the encoder's input, as research/im2txt's image_processing.py does it.

An image is scaled to a square without regard to its shape. Evaluation sees the square's middle,
training a part at random, mirrored and with changed colors.
"""

import tensorflow.compat.v1 as tf
from tensorflow.compat.v2 import image as image_v2

from captioning.options import AugmentationOptions

# image_processing.py: images of 346 pixels are cut to 299.
_SCALED_SIDE = 346 / 299
_BRIGHTNESS = 32.0 / 255.0
_SATURATION = (0.5, 1.5)
_HUE = 0.032
_CONTRAST = (0.5, 1.5)


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


def seen_share(size: int) -> float:
    """Returns the share of an image's height, and of its width, that evaluation sees."""
    return size / _scaled_side(size)


def training_image(
    image: tf.Tensor, size: int, augmentation: AugmentationOptions, seed: tf.Tensor
) -> tf.Tensor:
    """Makes the encoder's input of an image, uint8 [height, width, 3], at random.

    Args:
      image: RGB.
      size: height and width of the input.
      augmentation: how the image is varied.
      seed: int [2], decides all that is random.

    Returns:
      float32 [size, size, 3], RGB, 0..255.
    """
    crop_seed, flip_seed, color_seed = tf.unstack(
        tf.random.experimental.stateless_split(seed, num=3)
    )
    if augmentation.random_crop:
        scaled = _scale(image[tf.newaxis], size)[0]
        image = image_v2.stateless_random_crop(scaled, [size, size, 3], crop_seed)
    else:
        image = evaluation_images(image[tf.newaxis], size)[0]
    if augmentation.random_flip:
        image = image_v2.stateless_random_flip_left_right(image, flip_seed)
    return _distort_color(image, color_seed) if augmentation.color_distortion else image


def _distort_color(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Changes colors in one of two orders, which im2txt's threads have by their numbers."""
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, num=5))
    image /= 255.0

    def brightness(image: tf.Tensor) -> tf.Tensor:
        return image_v2.stateless_random_brightness(image, _BRIGHTNESS, seeds[0])

    def saturation(image: tf.Tensor) -> tf.Tensor:
        return image_v2.stateless_random_saturation(image, *_SATURATION, seeds[1])

    def hue(image: tf.Tensor) -> tf.Tensor:
        return image_v2.stateless_random_hue(image, _HUE, seeds[2])

    def contrast(image: tf.Tensor) -> tf.Tensor:
        return image_v2.stateless_random_contrast(image, *_CONTRAST, seeds[3])

    distorted = tf.cond(
        tf.random.stateless_uniform([], seeds[4]) < 0.5,
        lambda: contrast(hue(saturation(brightness(image)))),
        lambda: hue(saturation(contrast(brightness(image)))),
    )
    return 255.0 * tf.clip_by_value(distorted, 0.0, 1.0)


def _scale(images: tf.Tensor, size: int) -> tf.Tensor:
    """Scales as TensorFlow 1 did, which the published weights know: corners at the corners."""
    side = _scaled_side(size)
    return tf.image.resize_bilinear(tf.cast(images, tf.float32), [side, side])


def _scaled_side(size: int) -> int:
    return round(_SCALED_SIDE * size)
