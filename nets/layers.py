"""Layers that several networks share and tf-slim does not have."""

from collections.abc import Sequence
from typing import TypeAlias

import tensorflow.compat.v1 as tf
import tf_slim as slim

# Height or width: an int where it is known, else an int32 scalar.
Side: TypeAlias = int | tf.Tensor


def scale_dimension(dimension: Side, scale: float) -> Side:
    """Returns an image side scaled so that corner pixels stay on corner pixels.

    513 at 1/16 is 33 (research/deeplab's function of the same name).
    """
    if isinstance(dimension, int):
        return int((dimension - 1.0) * scale + 1.0)
    return tf.cast((tf.cast(dimension, tf.float32) - 1.0) * scale + 1.0, tf.int32)


def resize_bilinear(inputs: tf.Tensor, height: Side, width: Side) -> tf.Tensor:
    """Resizes [batch, h, w, channels] with corners aligned, as published weights were trained.

    `tf.image.resize` puts pixel centres elsewhere and is not equivalent.
    """
    return tf.image.resize_bilinear(inputs, [height, width], align_corners=True)


def resize_as(inputs: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Resizes [batch, h, w, channels] to the height and width of another tensor."""
    size = tf.shape(like)
    resized = resize_bilinear(inputs, size[1], size[2])
    resized.set_shape(like.shape[:3].concatenate(inputs.shape[3:]))
    return resized


def round_depth(depth: float, divisor: int, min_depth: int | None = None) -> int:
    """Rounds a channel count to a multiple of `divisor`, but never down by more than a tenth.

    research/slim's rule for the MobileNets. `min_depth` is `divisor` by default.
    """
    rounded = max(min_depth or divisor, int(depth + divisor / 2) // divisor * divisor)
    if rounded < 0.9 * depth:
        rounded += divisor
    return rounded


def quantized_sigmoid(inputs: tf.Tensor) -> tf.Tensor:
    """relu6(x + 3) / 6, with research/slim's rounded sixth, which published weights know."""
    return tf.nn.relu6(inputs + 3.0) * 0.16667


def depthwise_conv2d(
    inputs: tf.Tensor, kernel_size: int | Sequence[int], **slim_arguments
) -> tf.Tensor:
    """Convolves each channel with a kernel of its own: [b, h, w, c] -> [b, h', w', c].

    With an atrous rate, slim makes it space-to-batch and a dense convolution, which is right:
    TensorFlow's native dilated depthwise convolution has wrong gradients on the CPU.

    Args:
      inputs: float32 [batch, height, width, channels].
      kernel_size: side of the kernel, or (height, width).
      **slim_arguments: `scope`, `stride`, `rate` … of `slim.separable_conv2d`.
    """
    return slim.separable_conv2d(inputs, None, kernel_size, depth_multiplier=1, **slim_arguments)


def separable_conv2d(
    inputs: tf.Tensor,
    filters: int,
    *,
    rate: int | Sequence[int],
    scope: str,
    kernel_size: int | Sequence[int] = 3,
) -> tf.Tensor:
    """A depthwise and a 1x1 convolution, each with normalizer and activation (DeepLabV3+ §3.2).

    Variables: `SCOPE_depthwise/depthwise_weights` and `SCOPE_pointwise/weights`. Normalizer,
    activation and the regularizer of the 1x1 weights come from the surrounding arg_scope. Initial
    deviations 0.33 and 0.06 and the missing decay of depthwise weights are those of
    research/deeplab.
    """
    outputs = depthwise_conv2d(
        inputs,
        kernel_size,
        rate=rate,
        weights_initializer=tf.truncated_normal_initializer(stddev=0.33),
        weights_regularizer=None,
        scope=f"{scope}_depthwise",
    )
    return slim.conv2d(
        outputs,
        filters,
        1,
        weights_initializer=tf.truncated_normal_initializer(stddev=0.06),
        scope=f"{scope}_pointwise",
    )


def pool_2x2(inputs: tf.Tensor, kind: str, stride: int, rate: int) -> tf.Tensor:
    """Pools windows of 2x2 pixels, of which each pixel is the upper left.

    At the lower and right border a window holds fewer pixels, as with TensorFlow's SAME. Stride 1
    with rates takes the place of stride 2, as in atrous convolutions.

    Args:
      inputs: float32 [batch, height, width, channels].
      kind: "max" or "average".
      stride: 2, or 1 to keep the resolution.
      rate: distance of the pixels of a window; 1 with stride 2.

    Returns:
      float32 [batch, ceil(height / stride), ceil(width / stride), channels].
    """
    pool = {"max": slim.max_pool2d, "average": slim.avg_pool2d}[kind]
    if stride == 2:
        assert rate == 1
        return pool(inputs, 2, stride=2, padding="SAME")
    combine = {"max": tf.maximum, "average": lambda one, other: (one + other) * 0.5}[kind]
    for axis in (1, 2):
        # Behind the border each pixel is its own neighbor, which is as if there were none.
        parts = ([slice(None)] * axis + [part] for part in (slice(rate, None), slice(-rate, None)))
        neighbors = tf.concat([inputs[tuple(part)] for part in parts], axis=axis)
        inputs = combine(inputs, neighbors)
    return inputs
