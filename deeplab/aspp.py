"""Atrous spatial pyramid pooling: context at several scales.

Chen et al., "Rethinking Atrous Convolution", arXiv 1706.05587, section 3.3; separable branches from
"DeepLabV3+", arXiv 1802.02611, section 3.1. Variable names are those of research/deeplab.
"""

import tensorflow.compat.v1 as tf
import tf_slim as slim

from deeplab.options import ModelOptions
from nets import layers
from nets.batch_norm import BatchNormMode

# research/deeplab, model.py: the same for ASPP and decoder, whatever the encoder's are.
BATCH_NORM_DECAY = 0.9997
BATCH_NORM_EPSILON = 1e-5
_KEEP_PROBABILITY = 0.9


def head_arguments(weight_decay: float, batch_norm: BatchNormMode) -> dict:
    """Returns slim's arguments for the convolutions of ASPP and decoder."""
    return {
        "activation_fn": tf.nn.relu,
        "weights_regularizer": slim.l2_regularizer(weight_decay),
        **batch_norm.slim_params(BATCH_NORM_DECAY, BATCH_NORM_EPSILON),
    }


def build(
    features: tf.Tensor,
    options: ModelOptions,
    *,
    is_training: bool,
    weight_decay: float,
    batch_norm: BatchNormMode,
) -> tf.Tensor:
    """Adds context to an encoder's features.

    Args:
      features: float32 [batch, height, width, channels].
      options: the network.
      is_training: whether dropout is on.
      weight_decay: L2 weight.
      batch_norm: how batch norm behaves.

    Returns:
      float32 [batch, height, width, aspp_convs_filters], or the concatenated branches when there is
      no concat projection.
    """
    depth = options.aspp_convs_filters
    arguments = head_arguments(weight_decay, batch_norm)
    with slim.arg_scope([slim.conv2d, slim.separable_conv2d], **arguments):
        branches = []
        if options.add_image_level_feature:
            branches.append(_image_pooling(features, depth, options))
        branches.append(slim.conv2d(features, depth, 1, scope="aspp0"))
        for number, rate in enumerate(options.atrous_rates or (), start=1):
            scope = f"aspp{number}"
            if options.aspp_with_separable_conv:
                branch = layers.separable_conv2d(
                    features, depth, rate=rate, weight_decay=weight_decay, scope=scope
                )
            else:
                branch = slim.conv2d(features, depth, 3, rate=rate, scope=scope)
            branches.append(branch)
        context = tf.concat(branches, axis=3)
        if not options.aspp_with_concat_projection:
            return context
        context = slim.conv2d(context, depth, 1, scope="concat_projection")
        return slim.dropout(context, keep_prob=_KEEP_PROBABILITY, is_training=is_training)


def _image_pooling(features: tf.Tensor, depth: int, options: ModelOptions) -> tf.Tensor:
    """The picture's mean features, a 1x1 convolution, and back to the size of the features."""
    size = tf.shape(features)[1:3]
    if options.image_pooling_crop_size is None:
        pooled = tf.reduce_mean(features, axis=[1, 2], keepdims=True)
    else:
        kernel = [
            layers.scale_dimension(side, 1.0 / options.output_stride)
            for side in options.image_pooling_crop_size
        ]
        pooled = slim.avg_pool2d(
            features, kernel, stride=list(options.image_pooling_stride), padding="VALID"
        )
    pooled = slim.conv2d(pooled, depth, 1, scope="image_pooling")
    resized = layers.resize_bilinear(pooled, size[0], size[1])
    resized.set_shape(features.shape[:3].concatenate(depth))
    return resized
