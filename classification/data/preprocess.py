"""From an image file to a classifier's input, as research/slim's preprocessing does it.

"inception" (preprocessing/inception_preprocessing.py): training sees a random window, scaled to a
square without regard to its shape, mirrored and with changed colors (Szegedy et al., "Going Deeper
with Convolutions", arXiv 1409.4842, section 6); evaluation the central 87.5 % of each side.

"vgg" (preprocessing/vgg_preprocessing.py): the shorter side is scaled, at random in training
(Simonyan & Zisserman, "Very Deep Convolutional Networks", arXiv 1409.1556, section 3.1), and a
square is cut out: at random, or at the center.

Unlike there, a training window is cut out of a JPEG while it is decoded, and every random draw
comes from the seed of the example, so that a seed gives the same images with any number of threads.
Values stay in 0..255: the network normalizes them itself.
"""

import functools
from collections.abc import Callable

import tensorflow.compat.v1 as tf
from tensorflow.compat.v2 import image as image_v2

from classification.options import AugmentationOptions, ViewOptions

# inception_preprocessing.py.
_CENTRAL_FRACTION = 0.875
_MIN_OBJECT_COVERED = 0.1
_ASPECT_RATIOS = (0.75, 1.33)
_MAX_ATTEMPTS = 100
_BRIGHTNESS = 32.0 / 255.0
_SATURATION = (0.5, 1.5)
_HUE = 0.2
_CONTRAST = (0.5, 1.5)
# vgg_preprocessing.py: shorter sides, over the 224 pixels of the network's input.
_EVALUATION_SIDE = 256 / 224
_TRAINING_SIDES = (256 / 224, 512 / 224)

_WHOLE_IMAGE = (((0.0, 0.0, 1.0, 1.0),),)
_Distortion = Callable[..., tf.Tensor]


def evaluation_image(image: tf.Tensor, view: ViewOptions) -> tf.Tensor:
    """Makes the network's input of an image, uint8 or float32 [height, width, 3], without chance.

    Returns:
      float32 [size, size, 3]; see `evaluation_images`.
    """
    return evaluation_images(image[tf.newaxis], view)[0]


def evaluation_images(images: tf.Tensor, view: ViewOptions) -> tf.Tensor:
    """Makes the network's input of images of one size, without chance.

    Args:
      images: uint8 or float32 [batch, height, width, 3], RGB, 0..255.
      view: size and kind of preprocessing.

    Returns:
      float32 [batch, size, size, 3], RGB, 0..255.
    """
    size = view.image_size
    if view.preprocessing == "inception":
        return _resize(_central_part(images), (size, size))
    resized = _resize_shorter_side(images, tf.constant(round(size * _EVALUATION_SIDE)))
    height, width = tf.unstack(tf.shape(resized)[1:3])
    return _cut(resized, (height - size) // 2, (width - size) // 2, size)


def training_image(
    encoded: tf.Tensor, view: ViewOptions, augmentation: AugmentationOptions, seed: tf.Tensor
) -> tf.Tensor:
    """Makes the network's input of an image file at random.

    Args:
      encoded: string scalar, a JPEG or PNG file.
      view: size and kind of preprocessing.
      augmentation: how the image is varied.
      seed: int [2], decides all that is random.

    Returns:
      float32 [size, size, 3], RGB, 0..255.
    """
    window_seed, flip_seed, color_seed = tf.unstack(
        tf.random.experimental.stateless_split(seed, num=3)
    )
    if not augmentation.random_crop:
        image = evaluation_image(decode(encoded), view)
    elif view.preprocessing == "inception":
        image = _random_window(encoded, view.image_size, augmentation.min_crop_area, window_seed)
    else:
        image = _random_square(encoded, view.image_size, window_seed)
    if augmentation.random_flip:
        image = image_v2.stateless_random_flip_left_right(image, flip_seed)
    kind = augmentation.color_distortion or (
        "fast" if view.preprocessing == "inception" else "none"
    )
    return image if kind == "none" else _distort_color(image, color_seed, kind)


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes a JPEG or PNG file to uint8 [height, width, 3]."""
    image = tf.image.decode_image(encoded, channels=3, expand_animations=False)
    image.set_shape([None, None, 3])
    return image


def _random_window(encoded: tf.Tensor, size: int, min_area: float, seed: tf.Tensor) -> tf.Tensor:
    """Cuts out a random window and scales it to a square."""

    def of_jpeg() -> tf.Tensor:
        start, extent = _draw_window(tf.image.extract_jpeg_shape(encoded), min_area, seed)
        window = tf.concat([start[:2], extent[:2]], axis=0)
        return tf.image.decode_and_crop_jpeg(encoded, window, channels=3)

    def of_other() -> tf.Tensor:
        image = decode(encoded)
        return tf.slice(image, *_draw_window(tf.shape(image), min_area, seed))

    window = tf.cond(tf.image.is_jpeg(encoded), of_jpeg, of_other)
    window.set_shape([None, None, 3])
    return _resize(window[tf.newaxis], (size, size))[0]


def _draw_window(shape: tf.Tensor, min_area: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws a window of an image of a shape [3]; returns its corner and its extent, each [3]."""
    start, extent, _ = image_v2.stateless_sample_distorted_bounding_box(
        shape,
        bounding_boxes=_WHOLE_IMAGE,
        seed=seed,
        min_object_covered=_MIN_OBJECT_COVERED,
        aspect_ratio_range=_ASPECT_RATIOS,
        area_range=(min_area, 1.0),
        max_attempts=_MAX_ATTEMPTS,
        use_image_if_no_bounding_boxes=True,
    )
    return start, extent  # Of the channels, all: -1.


def _random_square(encoded: tf.Tensor, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Scales the shorter side to a random length and cuts out a random square."""
    side_seed, y_seed, x_seed = tf.unstack(tf.random.experimental.stateless_split(seed, num=3))
    shortest, longest = (round(size * factor) for factor in _TRAINING_SIDES)
    side = tf.random.stateless_uniform([], side_seed, shortest, longest + 1, tf.int32)
    resized = _resize_shorter_side(decode(encoded)[tf.newaxis], side)
    height, width = tf.unstack(tf.shape(resized)[1:3])
    y = tf.random.stateless_uniform([], y_seed, 0, height - size + 1, tf.int32)
    x = tf.random.stateless_uniform([], x_seed, 0, width - size + 1, tf.int32)
    return _cut(resized, y, x, size)[0]


def _central_part(images: tf.Tensor) -> tf.Tensor:
    """Cuts off an equal share at opposite sides, rounded as by `tf.image.central_crop`."""
    shape = tf.shape(images)[1:3]
    margins = tf.cast(tf.cast(shape, tf.float64) * ((1.0 - _CENTRAL_FRACTION) / 2), tf.int32)
    extent = shape - 2 * margins
    return tf.slice(images, tf.concat([[0], margins, [0]], 0), tf.concat([[-1], extent, [3]], 0))


def _resize_shorter_side(images: tf.Tensor, side: tf.Tensor) -> tf.Tensor:
    shape = tf.cast(tf.shape(images)[1:3], tf.float32)
    scale = tf.cast(side, tf.float32) / tf.reduce_min(shape)
    # research/slim rounds to even; the shorter side may not fall below what is cut out of it.
    return _resize(images, tf.maximum(tf.cast(tf.rint(shape * scale), tf.int32), side))


def _resize(images: tf.Tensor, size) -> tf.Tensor:
    """Resizes as TensorFlow 1 did: neither corners nor centers of pixels are aligned."""
    return tf.image.resize_bilinear(images, size, align_corners=False)


def _cut(images: tf.Tensor, y: tf.Tensor, x: tf.Tensor, size: int) -> tf.Tensor:
    squares = tf.slice(images, tf.stack([0, y, x, 0]), [-1, size, size, 3])
    squares.set_shape([None, size, size, 3])
    return squares


def _distort_color(image: tf.Tensor, seed: tf.Tensor, kind: str) -> tf.Tensor:
    """Changes colors in one of several orders, which is drawn, too."""
    order_seed, *seeds = tf.unstack(tf.random.experimental.stateless_split(seed, num=5))
    brightness = functools.partial(image_v2.stateless_random_brightness, max_delta=_BRIGHTNESS)
    saturation = functools.partial(
        image_v2.stateless_random_saturation, lower=_SATURATION[0], upper=_SATURATION[1]
    )
    hue = functools.partial(image_v2.stateless_random_hue, max_delta=_HUE)
    contrast = functools.partial(
        image_v2.stateless_random_contrast, lower=_CONTRAST[0], upper=_CONTRAST[1]
    )
    orders: tuple[tuple[_Distortion, ...], ...] = (
        (brightness, saturation),
        (saturation, brightness),
    )
    if kind == "full":
        orders = (
            (brightness, saturation, hue, contrast),
            (saturation, brightness, contrast, hue),
            (contrast, hue, brightness, saturation),
            (hue, saturation, contrast, brightness),
        )
    image = image / 255.0

    def in_order(order: tuple[_Distortion, ...]) -> tf.Tensor:
        distorted = image
        for distort, own_seed in zip(order, seeds, strict=False):
            distorted = distort(distorted, seed=own_seed)
        return distorted

    chosen = tf.random.stateless_uniform([], order_seed, 0, len(orders), tf.int32)
    distorted = tf.switch_case(chosen, [functools.partial(in_order, order) for order in orders])
    return 255.0 * tf.clip_by_value(distorted, 0.0, 1.0)
