"""Atrous spatial pyramid pooling: context at several scales.

Chen et al., "Rethinking Atrous Convolution", arXiv 1706.05587, section 3.3; separable branches from
"DeepLabV3+", arXiv 1802.02611, section 3.1. Variable names are those of research/deeplab.
"""

from collections.abc import Sequence

import tensorflow.compat.v1 as tf
import tf_slim as slim

from deeplab.options import ModelOptions
from nets import layers

KEEP_PROBABILITY = 0.9  # research/deeplab, model.py


def build(features: tf.Tensor, options: ModelOptions, *, is_training: bool) -> tf.Tensor:
    """Adds context to an encoder's features, with layers as the surrounding arg_scope says.

    Args:
      features: float32 [batch, height, width, channels].
      is_training: whether dropout is on.

    Returns:
      float32 [batch, height, width, aspp_convs_filters], or the concatenated branches when there is
      no concat projection.
    """
    depth = options.aspp_convs_filters
    image_level = _image_pooling(features, options) if options.add_image_level_feature else None
    branches = [slim.conv2d(features, depth, 1, scope="aspp0")]
    for number, rate in enumerate(options.atrous_rates or (), start=1):
        scope = f"aspp{number}"
        if options.aspp_with_separable_conv:
            branch = layers.separable_conv2d(features, depth, rate=rate, scope=scope)
        else:
            branch = slim.conv2d(features, depth, 3, rate=rate, scope=scope)
        branches.append(branch)
    if image_level is not None and not options.aspp_with_squeeze_and_excitation:
        branches.insert(0, image_level)
    context = tf.concat(branches, axis=3)
    if options.aspp_with_concat_projection:
        context = slim.conv2d(context, depth, 1, scope="concat_projection")
        context = slim.dropout(context, keep_prob=KEEP_PROBABILITY, is_training=is_training)
    if options.aspp_with_squeeze_and_excitation:
        context *= image_level
    return context


def average(
    features: tf.Tensor, kernel: Sequence[int], *, stride: Sequence[int], crop_size: Sequence[int]
) -> tf.Tensor:
    """Averages [batch, height, width, channels] over windows that lie inside.

    Args:
      kernel, stride: size and distance of the windows, vertical and horizontal.
      crop_size: (height, width) of the window in the image, for the error.

    Raises:
      ValueError: a window is larger than the features.
    """
    size = features.shape.as_list()[1:3]
    if any(side is not None and side < window for side, window in zip(size, kernel, strict=True)):
        raise ValueError(
            f"image_pooling_crop_size is {tuple(crop_size)}, larger than the image: its features "
            f"are {tuple(size)} and would have to be at least {tuple(kernel)}."
        )
    return slim.avg_pool2d(features, list(kernel), stride=list(stride), padding="VALID")


def _image_pooling(features: tf.Tensor, options: ModelOptions) -> tf.Tensor:
    """The image's mean features, a 1x1 convolution, and back to the size of the features.

    With squeeze and excitation the result is a weight, 0..1, for each channel of the context
    (MobileNetV3, arXiv 1905.02244, section 6.4).
    """
    crop_size = options.image_pooling_crop_size
    if crop_size is None:
        pooled = tf.reduce_mean(features, axis=[1, 2], keepdims=True)
    else:
        kernel = [layers.scale_dimension(side, 1.0 / options.output_stride) for side in crop_size]
        pooled = average(features, kernel, stride=options.image_pooling_stride, crop_size=crop_size)
    # Never bounded, as in research/deeplab.
    arguments = {"activation_fn": tf.nn.relu}
    if options.aspp_with_squeeze_and_excitation:
        gate = layers.quantized_sigmoid if options.image_se_uses_qsigmoid else tf.nn.sigmoid
        arguments = {"activation_fn": gate, "normalizer_fn": None}
    pooled = slim.conv2d(pooled, options.aspp_convs_filters, 1, scope="image_pooling", **arguments)
    return layers.resize_as(pooled, features)
