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
    """Scales an image by a random factor.

    Args:
      example: see the module docstring.
      min_scale_factor, max_scale_factor, step_size, seed: as for `preprocess.scaled_size`.

    Returns:
      The example; image and Laplacian are float32 where the range holds more than the factor 1.
    """
    if min_scale_factor == max_scale_factor == 1.0:
        return dict(example)
    size = preprocess.scaled_size(
        preprocess.image_size(example), min_scale_factor, max_scale_factor, step_size, seed
    )
    return preprocess.resize(example, size)


def random_crop(
    example: Mapping[str, tf.Tensor], crop_size: tuple[int, int], seed: tf.Tensor
) -> Example:
    """Cuts a window at a random place out of an image; a side that is too short stays whole.

    Followed by `pad_to_crop` it gives the same as padding first, without moving the padding.

    Args:
      example: see the module docstring.
      crop_size, seed: as for `preprocess.window_of`.

    Returns:
      The example, at most as large as the window.
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


def random_flip(
    example: Mapping[str, tf.Tensor], seed: tf.Tensor, probability: float = 0.5
) -> Example:
    """Mirrors an image, left to right, with a probability.

    Args:
      example: see the module docstring.
      seed: integer [2], decides whether.
      probability: of the mirrored result, 0..1.

    Returns:
      The example, mirrored or not.
    """
    is_flipped = preprocess.flip_of(seed, probability)
    spatial = {key: example[key] for key in preprocess.SPATIAL_KEYS if key in example}
    flipped = tf.cond(
        is_flipped,
        lambda: {key: tf.reverse(value, axis=[1]) for key, value in spatial.items()},
        lambda: {key: tf.identity(value) for key, value in spatial.items()},
    )
    return {**example, **flipped}
