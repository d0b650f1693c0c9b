"""The decoder: object borders from the encoder's finer features and the Laplacian channel.

Chen et al., "DeepLabV3+", arXiv 1802.02611, section 3.1 and table 1. Variable names are those of
research/deeplab. The gradient branch is ours: the image's Laplacian joins the last stage, between
context features and projected encoder features.
"""

from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf
import tf_slim as slim

from deeplab.options import ModelOptions
from nets import layers, registry
from nets.layers import Side

# DeepLabV3+ table 1: 48 channels of encoder features, so that they do not outweigh the context.
PROJECTION_DEPTH = 48
# A step from black to white makes a Laplacian of 255: edges come out at about -1..1.
_LAPLACIAN_SCALE = 1.0 / 255.0


def build(
    features: tf.Tensor,
    end_points: Mapping[str, tf.Tensor],
    laplacian: tf.Tensor | None,
    options: ModelOptions,
    image_size: Sequence[Side],
) -> tf.Tensor:
    """Refines context features, one stage per stride in `decoder_output_stride`.

    Normalizer and regularizer of its layers come from the surrounding arg_scope.

    Args:
      features: float32 [batch, height, width, channels], from ASPP.
      end_points: the encoder's feature maps by name.
      laplacian: float32 [batch, image height, image width, 1], Laplacian of the gray image; None
        for a network without it.
      image_size: (height, width) of the image.

    Returns:
      float32 [batch, image height / stride, image width / stride, decoder_filters] at the last
      stride, corners aligned. They are the logits with `decoder_output_is_logits`.
    """
    encoder = registry.encoder(options.model_variant)
    is_sum = options.decoder_use_sum_merge
    # What is added has to have as many channels as what it is added to.
    projection_depth = options.decoder_filters if is_sum else PROJECTION_DEPTH
    merge = _sum_merge if is_sum else _concat_merge
    linear = {"activation_fn": None, "normalizer_fn": None}
    arguments = linear if options.decoder_output_is_logits else {}
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
            if laplacian is not None and stage == len(options.decoder_output_stride) - 1:
                inputs.insert(1, laplacian * _LAPLACIAN_SCALE)
            size = [layers.scale_dimension(side, 1.0 / stride) for side in image_size]
            features = merge([_resize(tensor, size) for tensor in inputs], options, suffix)
        return features


def laplacian_stride(options: ModelOptions, crop_size: Sequence[int]) -> int:
    """Returns the distance of the pixels at which the network reads the Laplacian channel.

    The decoder resizes the channel to its last stage with corners aligned, which takes every
    fourth pixel of it at stride 4. A channel that holds only these gives the same network.

    Returns:
      The stride of the decoder's last stage; 1 where other pixels are read too, because the network
      sees its input at other scales or the crop is not a multiple of the stride plus one.
    """
    stride = options.decoder_output_stride[-1] if options.decoder_output_stride else 1
    is_plain = set(options.image_pyramid) == {1.0}
    return stride if is_plain and all((side - 1) % stride == 0 for side in crop_size) else 1


def _resize(inputs: tf.Tensor, size: Sequence[Side]) -> tf.Tensor:
    outputs = layers.resize_bilinear(inputs, *size)
    static = [side if isinstance(side, int) else None for side in size]
    outputs.set_shape([inputs.shape[0].value, *static, inputs.shape[3].value])
    return outputs


def _is_separable(options: ModelOptions) -> bool:
    return options.decoder_use_separable_conv and not options.decoder_output_is_logits


def _concat_merge(inputs: list[tf.Tensor], options: ModelOptions, suffix: str) -> tf.Tensor:
    """Two 3x3 convolutions over all channels together (DeepLabV3+ table 2)."""
    net, depth = tf.concat(inputs, axis=3), options.decoder_filters
    if not _is_separable(options):
        return slim.repeat(net, 2, slim.conv2d, depth, 3, scope=f"decoder_conv0{suffix}")
    for number in range(2):
        scope = f"decoder_conv{number}{suffix}"
        net = layers.separable_conv2d(net, depth, rate=1, scope=scope)
    return net


def _sum_merge(inputs: list[tf.Tensor], options: ModelOptions, suffix: str) -> tf.Tensor:
    """One convolution of the context, to which the encoder's features are added.

    MobileNetV3, arXiv 1905.02244, figure 10.
    """
    (context, skip), depth = inputs, options.decoder_filters
    if _is_separable(options):
        scope = f"decoder_split_sep_conv0{suffix}"
        return skip + layers.separable_conv2d(context, depth, rate=1, scope=scope)
    kernel_size = 1 if options.decoder_output_is_logits else 3
    return skip + slim.conv2d(context, depth, kernel_size, scope=f"decoder_conv0{suffix}")
