"""The augmentation of research/deeplab, step by step on whole images, each an example.

What an example is, and which values are drawn, is that of `deeplab.data.preprocess`.
"""

from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf

from deeplab.data import preprocess
from deeplab.data.preprocess import Example


def random_scale(
    example: Mapping[str, tf.Tensor],
    min_scale_factor: float,
    max_scale_factor: float,
    step_size: float,
    seed: tf.Tensor,
) -> Example:
    """Scales an image by a random factor; arguments are those of `preprocess.scaled_size`."""
    if min_scale_factor == max_scale_factor == 1.0:
        return dict(example)
    size = preprocess.scaled_size(
        preprocess.image_size(example), min_scale_factor, max_scale_factor, step_size, seed
    )
    return preprocess.resize(example, size)


def random_crop(
    example: Mapping[str, tf.Tensor], crop_size: tuple[int, int], seed: tf.Tensor
) -> Example:
    """Cuts `preprocess.window_of` out of an image.

    Followed by `pad_to_crop` it gives the same as padding first, without moving the padding.
    """
    start, window = preprocess.window_of(preprocess.image_size(example), crop_size, seed)
    start = tf.concat([start, [0]], axis=0)
    window = tf.concat([window, [-1]], axis=0)

    def cut(_: str, value: tf.Tensor) -> tf.Tensor:
        cropped = tf.slice(value, start, window)
        cropped.set_shape([None, None, value.shape[-1]])
        return cropped

    return preprocess.map_spatial(example, cut)


def pad_to_crop(
    example: Mapping[str, tf.Tensor],
    crop_size: tuple[int, int],
    mean_pixel: Sequence[float],
    ignore_label: int,
) -> Example:
    """Pads an image as `preprocess.pad_to_crop` does, in the operations of research/deeplab."""
    bottom, right = tf.unstack(tf.constant(crop_size) - preprocess.image_size(example))
    fills = {"image": mean_pixel, "label": ignore_label, "laplacian": 0}

    def pad(key: str, value: tf.Tensor) -> tf.Tensor:
        fill = tf.constant(fills[key], value.dtype)
        padded = tf.pad(value - fill, [[0, bottom], [0, right], [0, 0]]) + fill
        padded.set_shape([*crop_size, value.shape[-1]])
        return padded

    return preprocess.map_spatial(example, pad)


def random_flip(example: Mapping[str, tf.Tensor], seed: tf.Tensor) -> Example:
    """Mirrors every second image, left to right; the seed, integer [2], decides which."""
    is_flipped = preprocess.flip_of(seed)

    def flip(_: str, value: tf.Tensor) -> tf.Tensor:
        return tf.cond(is_flipped, lambda: tf.reverse(value, axis=[1]), lambda: tf.identity(value))

    return preprocess.map_spatial(example, flip)
