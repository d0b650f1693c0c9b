"""MobileNetV2 encoder.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", arXiv 1801.04381, table 2,
up to the last bottleneck (the 1280-channel `Conv_1` and the classifier are not built).

Variable names and channel rounding are those of research/slim and research/deeplab; published
checkpoints depend on them.
"""

import dataclasses

import tensorflow.compat.v1 as tf
import tf_slim as slim

from nets import layers
from nets.batch_norm import BatchNormMode

# research/slim, nets/mobilenet/mobilenet.py, `training_scope`.
_BATCH_NORM_DECAY = 0.997
_BATCH_NORM_EPSILON = 1e-3
_WEIGHTS_STDDEV = 0.09

_ROOT_DEPTH = 32
_EXPANSION = 6
# (channels, stride of the first, how many): table 2 of the paper, behind the first bottleneck.
_BOTTLENECKS = ((24, 2, 2), (32, 2, 3), (64, 2, 4), (96, 1, 3), (160, 2, 3), (320, 1, 1))


@dataclasses.dataclass(frozen=True)
class _Bottleneck:
    scope: str
    depth: int
    stride: int
    expansion: int


def _bottlenecks() -> list[_Bottleneck]:
    bottlenecks = [_Bottleneck("expanded_conv", 16, 1, 1)]
    for depth, first_stride, repeats in _BOTTLENECKS:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            scope = f"expanded_conv_{len(bottlenecks)}"
            bottlenecks.append(_Bottleneck(scope, depth, stride, _EXPANSION))
    return bottlenecks


def build(
    images: tf.Tensor,
    variant: str = "mobilenet_v2",
    *,
    output_stride: int,
    depth_multiplier: float,
    divisible_by: int | None,
    weight_decay: float,
    batch_norm: BatchNormMode,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Builds MobileNetV2 without its classifier.

    Args:
      images: float32 [batch, height, width, channels], normalised.
      variant: always "mobilenet_v2"; encoders are all built through one signature.
      output_stride: image size over feature map size. Later strides become atrous rates.
      depth_multiplier: multiplies every channel count.
      divisible_by: channel counts become multiples of it; None for 8 at a multiplier of 1.0 and 1
        otherwise, which is how the published checkpoints were made.
      weight_decay: L2 weight of ordinary convolutions; depthwise ones have none.
      batch_norm: how batch norm behaves.

    Returns:
      (features float32 [batch, height / output_stride, …, 320 * depth_multiplier], end points by
      name: `layer_N` and `layer_N/depthwise_output` of every bottleneck, counted from 2).
    """
    if divisible_by is None:
        divisible_by = 8 if depth_multiplier == 1.0 else 1
    min_depth = 8 if depth_multiplier == 1.0 else 1

    def scaled(depth: int) -> int:
        return layers.round_depth(depth * depth_multiplier, divisible_by, min_depth)

    end_points = {}
    arguments = {
        "weights_initializer": tf.truncated_normal_initializer(stddev=_WEIGHTS_STDDEV),
        "activation_fn": tf.nn.relu6,
        **batch_norm.slim_params(_BATCH_NORM_DECAY, _BATCH_NORM_EPSILON),
    }
    with (
        tf.variable_scope("MobilenetV2"),
        slim.arg_scope([slim.conv2d, slim.separable_conv2d], **arguments),
        slim.arg_scope([slim.conv2d], weights_regularizer=slim.l2_regularizer(weight_decay)),
    ):
        net = slim.conv2d(images, scaled(_ROOT_DEPTH), 3, stride=2, scope="Conv")
        current_stride, rate = 2, 1
        for layer, bottleneck in enumerate(_bottlenecks(), start=2):
            stride, unit_rate = bottleneck.stride, 1
            if current_stride == output_stride:
                unit_rate, rate, stride = rate, rate * stride, 1
            current_stride *= stride
            with tf.variable_scope(bottleneck.scope):
                net, expanded = _expanded_conv(
                    net, scaled(bottleneck.depth), bottleneck.expansion, stride, unit_rate
                )
            end_points[f"layer_{layer}/depthwise_output"] = expanded
            end_points[f"layer_{layer}"] = net
        return net, end_points


def _expanded_conv(
    inputs: tf.Tensor, depth: int, expansion: int, stride: int, rate: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """An inverted residual; returns its output and that of its depthwise convolution."""
    input_depth = inputs.shape[-1].value
    net = inputs
    if expansion > 1:
        # Always rounded to 8, whatever `divisible_by` is: `expand_input` of research/slim.
        net = slim.conv2d(net, layers.round_depth(input_depth * expansion, 8, 8), 1, scope="expand")
    net = layers.depthwise_conv2d(net, 3, stride=stride, rate=rate, scope="depthwise")
    expanded = net
    net = slim.conv2d(net, depth, 1, activation_fn=None, scope="project")
    if stride == 1 and input_depth == depth:
        net += inputs
    return net, expanded
