"""Geometry of images on their way into the network: resize, pad, and what augmentation draws.

Functions that change an image take and return an *example*, a dictionary whose values
"image" [h, w, 3], "label" [h, w, 1] and "laplacian" [h, w, 1] (the last two where present) are
transformed jointly; other keys pass through. Images are RGB, 0..255, and stay uint8 until the first
resize or the padding; labels are class ids; "laplacian" are raw values of the original image, which
every transformation treats as one more channel: the value of a pixel moves with the pixel.

The arithmetic is that of research/deeplab (`core/preprocess_utils.py`): bilinear resizes and the
labels' nearest-neighbor resize align the corners, which `tf.image.resize` of TensorFlow 2 does
not. Randomness is stateless: the same seed gives the same result, in any thread.
"""

from collections.abc import Callable, Mapping, Sequence

import tensorflow.compat.v1 as tf

from deeplab.options import ResizeOptions

Example = dict[str, tf.Tensor]

_SPATIAL_KEYS = ("image", "label", "laplacian")


def largest_side(max_size: int, factor: int | None) -> int:
    """Returns the longest side that `resize_to_range` produces, pixels."""
    return max_size if factor is None else max(max_size - (max_size - 1) % factor, 1)


def range_size(size: tf.Tensor, resize: ResizeOptions) -> tf.Tensor:
    """Computes the size that `resize_to_range` gives to an image.

    The shorter side becomes min_resize_value, unless the longer one would exceed max_resize_value:
    then that becomes max_resize_value. The other side keeps the aspect ratio, rounded down. With a
    resize_factor, both sides are then rounded up to the next factor·k + 1, and max_resize_value is
    rounded down to such a number beforehand, so that it still holds. Without keep_aspect_ratio, the
    shorter side becomes as long as the longer one in the end.

    In float32, as in research/deeplab, whose exports must be met pixel by pixel: rounding makes a
    side one pixel shorter than asked for some sizes (45 to 500 gives 499).

    Args:
      size: int32 [2], the image's height and width.
      resize: a min_resize_value of None leaves the size alone.

    Returns:
      int32 [2]: new (height, width), each at least 1.
    """
    if resize.min_resize_value is None:
        return size
    size = tf.cast(size, tf.float32)
    new_size = tf.floor(size * (resize.min_resize_value / tf.reduce_min(size)))
    if resize.max_resize_value is not None:
        limit = float(largest_side(resize.max_resize_value, resize.resize_factor))
        fitted = tf.floor(size * (limit / tf.reduce_max(size)))
        new_size = tf.where(tf.reduce_max(new_size) > limit, fitted, new_size)
    new_size = tf.maximum(tf.cast(new_size, tf.int32), 1)
    if resize.resize_factor is not None:
        new_size += (1 - new_size) % resize.resize_factor
    return new_size if resize.keep_aspect_ratio else tf.fill([2], tf.reduce_max(new_size))


def resize_to_range(example: Mapping[str, tf.Tensor], options: ResizeOptions) -> Example:
    """Resizes an image so that its sides lie in a range, if there is one; see `range_size`."""
    if options.min_resize_value is None:
        return dict(example)
    return resize(example, range_size(image_size(example), options))


def resize(example: Mapping[str, tf.Tensor], size: tf.Tensor) -> Example:
    """Resizes to int32 [2] height and width; image and Laplacian, bilinear, become float32."""

    def resize_value(key: str, value: tf.Tensor) -> tf.Tensor:
        method = tf.image.resize_nearest_neighbor if key == "label" else tf.image.resize_bilinear
        return method(value[tf.newaxis], size, align_corners=True)[0]

    return map_spatial(example, resize_value)


def scaled_size(
    size: tf.Tensor,
    min_scale_factor: float,
    max_scale_factor: float,
    step_size: float,
    seed: tf.Tensor,
) -> tf.Tensor:
    """Draws the size of an image that is scaled by a random factor.

    Args:
      size: int32 [2], the image's height and width.
      min_scale_factor, max_scale_factor: range of the factor.
      step_size: the factor is one of evenly spaced values from the smallest to the largest, as
        many as steps of this size fit; 0 draws it uniformly from the range.
      seed: integer [2].

    Returns:
      int32 [2]: new (height, width), rounded down, and at least 1.
    """
    if min_scale_factor == max_scale_factor == 1.0:
        return size
    if step_size == 0.0:
        scale = tf.random.stateless_uniform([], seed, min_scale_factor, max_scale_factor)
    else:
        # The small constant keeps (2.0 - 0.5) / 0.1 at 15 steps: in floats it is 14.999….
        num_scales = int((max_scale_factor - min_scale_factor) / step_size + 1e-6) + 1
        scales = tf.linspace(float(min_scale_factor), float(max_scale_factor), num_scales)
        index = tf.random.stateless_uniform([], seed, maxval=num_scales, dtype=tf.int32)
        scale = scales[index]
    return tf.maximum(tf.cast(tf.cast(size, tf.float32) * scale, tf.int32), 1)


def window_of(
    size: tf.Tensor, crop_size: tuple[int, int], seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws a window of an image, uniform over all places; a side that is too short stays whole.

    Args:
      size: int32 [2], height and width of the scaled image.
      crop_size: (height, width) of the window.
      seed: integer [2].

    Returns:
      int32 [2] each: the window's first row and column, and its height and width.
    """
    window = tf.minimum(size, tf.constant(crop_size, tf.int32))
    seeds = tf.random.experimental.stateless_split(seed, num=2)
    start = [
        tf.random.stateless_uniform([], seeds[axis], 0, size[axis] - window[axis] + 1, tf.int32)
        for axis in range(2)
    ]
    return tf.stack(start), window


def pad_to_crop(
    example: Mapping[str, tf.Tensor],
    crop_size: tuple[int, int],
    mean_pixel: Sequence[float],
    ignore_label: int,
) -> Example:
    """Pads an image at the bottom and on the right up to a (height, width) that is no smaller.

    Args:
      mean_pixel: RGB color, 0..255, of the padding: what the encoder normalizes to zero.
      ignore_label: label of the padding. The Laplacian's padding is 0.

    Returns:
      The example with its sizes known to the graph; the image is float32.
    """
    bottom, right = tf.unstack(tf.constant(crop_size) - image_size(example))

    def pad(key: str, value: tf.Tensor) -> tf.Tensor:
        if key == "image":
            padded = pad_image(tf.cast(value, tf.float32), bottom, 0, right, mean_pixel)
        else:
            fill = ignore_label if key == "label" else 0
            padded = tf.pad(value, [[0, bottom], [0, right], [0, 0]], constant_values=fill)
        padded.set_shape([*crop_size, value.shape[-1]])
        return padded

    return map_spatial(example, pad)


def flip_of(seed: tf.Tensor) -> tf.Tensor:
    """Draws whether an image is mirrored, in half of all cases: bool []."""
    return tf.random.stateless_uniform([], seed) < 0.5


def image_size(example: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Returns height and width of an example's image: int32 [2]."""
    return tf.shape(example["image"])[:2]


def map_spatial(
    example: Mapping[str, tf.Tensor], function: Callable[[str, tf.Tensor], tf.Tensor]
) -> Example:
    """Returns the example with `function(key, value)` instead of each spatial value."""
    return {
        key: function(key, value) if key in _SPATIAL_KEYS else value
        for key, value in example.items()
    }


def pad_image(
    image: tf.Tensor, bottom: tf.Tensor, left: tf.Tensor, right: tf.Tensor, pixel: Sequence[float]
) -> tf.Tensor:
    """Pads with a color; leaves every value of the image as it is.

    Args:
      image: float32 [height, width, channels].
      bottom, left, right: int32 [], pixels.
      pixel: value of each channel.
    """
    if len(set(pixel)) == 1:
        # Of two dimensions, which TensorFlow pads in a third of the time of three.
        shape, depth = tf.shape(image), len(pixel)
        rows = tf.reshape(image, [shape[0], shape[1] * depth])
        paddings = [[0, bottom], [left * depth, right * depth]]
        padded = tf.pad(rows, paddings, constant_values=tf.constant(pixel[0], image.dtype))
        return tf.reshape(padded, [shape[0] + bottom, shape[1] + left + right, depth])
    color, depth = tf.constant(pixel, image.dtype), len(pixel)
    height = tf.shape(image)[0]
    sides = [tf.broadcast_to(color, [height, side, depth]) for side in (left, right)]
    image = tf.concat([sides[0], image, sides[1]], axis=1)
    below = tf.broadcast_to(color, [bottom, tf.shape(image)[1], depth])
    return tf.concat([image, below], axis=0)
