"""The decoder: object borders from the encoder's finer features and the Laplacian gradient.

Chen et al., "DeepLabV3+", arXiv 1802.02611, section 3.1 and table 1. Variable names are those of
research/deeplab. The gradient branch is ours: the image's Laplacian joins the last stage, between
context features and projected encoder features.
"""

from collections.abc import Mapping

import tensorflow.compat.v1 as tf
import tf_slim as slim

from deeplab.network import aspp
from deeplab.options import ModelOptions
from nets import layers
from nets.batch_norm import BatchNormMode
from nets.registry import Encoder

# DeepLabV3+ table 1: 48 channels of encoder features, lest they outweigh the context.
PROJECTION_DEPTH = 48
# A step from black to white makes a Laplacian of 255: edges come out at about -1..1.
_GRADIENT_SCALE = 1.0 / 255.0


def build(
    features: tf.Tensor,
    end_points: Mapping[str, tf.Tensor],
    gradient: tf.Tensor | None,
    encoder: Encoder,
    options: ModelOptions,
    *,
    image_size: tuple,
    weight_decay: float,
    batch_norm: BatchNormMode,
) -> tf.Tensor:
    """Refines context features, one stage per stride in `decoder_output_stride`.

    Args:
      features: float32 [batch, height, width, channels], from ASPP.
      end_points: the encoder's feature maps by name.
      gradient: float32 [batch, image height, image width, 1], Laplacian of the gray image; None
        for a network without it.
      encoder: says which feature map has which stride.
      options: the network.
      image_size: (height, width) of the image, ints or int32 scalars.
      weight_decay: L2 weight.
      batch_norm: how batch norm behaves.

    Returns:
      float32 [batch, image height / stride, image width / stride, decoder_filters] at the last
      stride, corners aligned. They are the logits with `decoder_output_is_logits`.
    """
    arguments = aspp.head_arguments(
        weight_decay, batch_norm, is_bounded=options.use_bounded_activation
    )
    if options.decoder_output_is_logits:
        arguments.update(activation_fn=None, normalizer_fn=None)
    # What is added has to have equally many channels.
    projection_depth = (
        options.decoder_filters if options.decoder_use_sum_merge else PROJECTION_DEPTH
    )
    merge = _sum_merge if options.decoder_use_sum_merge else _concat_merge
    last = len(options.decoder_output_stride) - 1
    with (
        tf.variable_scope("decoder"),
        slim.arg_scope([slim.conv2d, slim.separable_conv2d], **arguments),
    ):
        for stage, stride in enumerate(options.decoder_output_stride):
            # The first stage has research/deeplab's old name.
            suffix = f"_{stage}" if stage else ""
            skip = slim.conv2d(
                end_points[encoder.stage(stride).end_point],
                projection_depth,
                1,
                scope=f"feature_projection0{suffix}",
            )
            inputs = [features, skip]
            if gradient is not None and stage == last:
                inputs.insert(1, gradient * _GRADIENT_SCALE)
            size = [feature_side(side, stride) for side in image_size]
            resized = [_resize(tensor, size) for tensor in inputs]
            features = merge(resized, options, weight_decay, suffix)
        return features


def feature_side(side, stride: int):
    """Returns the side of a feature map at a stride: `scale_dimension`, for ints and tensors."""
    return (side - 1) // stride + 1


def _resize(inputs: tf.Tensor, size: list) -> tf.Tensor:
    outputs = layers.resize_bilinear(inputs, *size)
    static = [side if isinstance(side, int) else None for side in size]
    outputs.set_shape([inputs.shape[0].value, *static, inputs.shape[3].value])
    return outputs


def _is_separable(options: ModelOptions) -> bool:
    return options.decoder_use_separable_conv and not options.decoder_output_is_logits


def _concat_merge(
    inputs: list[tf.Tensor], options: ModelOptions, weight_decay: float, suffix: str
) -> tf.Tensor:
    """Two 3x3 convolutions over all channels together (DeepLabV3+ table 2)."""
    net = tf.concat(inputs, axis=3)
    depth = options.decoder_filters
    if not _is_separable(options):
        return slim.repeat(net, 2, slim.conv2d, depth, 3, scope=f"decoder_conv0{suffix}")
    for number in range(2):
        net = layers.separable_conv2d(
            net, depth, rate=1, weight_decay=weight_decay, scope=f"decoder_conv{number}{suffix}"
        )
    return net


def _sum_merge(
    inputs: list[tf.Tensor], options: ModelOptions, weight_decay: float, suffix: str
) -> tf.Tensor:
    """One convolution of the context, to which the encoder's features are added.

    MobileNetV3, arXiv 1905.02244, figure 10.
    """
    context, skip = inputs
    depth = options.decoder_filters
    if _is_separable(options):
        return skip + layers.separable_conv2d(
            context,
            depth,
            rate=1,
            weight_decay=weight_decay,
            scope=f"decoder_split_sep_conv0{suffix}",
        )
    kernel_size = 1 if options.decoder_output_is_logits else 3
    return skip + slim.conv2d(context, depth, kernel_size, scope=f"decoder_conv0{suffix}")
