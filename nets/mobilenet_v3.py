"""MobileNetV3 encoders, in the form for segmentation.

Howard et al., "Searching for MobileNetV3", arXiv 1905.02244, tables 1 and 2. For segmentation the
channels of the last block are halved (section 6.4).

Variable names and channel rounding are those of research/slim and research/deeplab; published
checkpoints depend on them. There, halving divides integers with `/`, so that these networks cannot
be built under Python 3.
"""

import dataclasses
from collections.abc import Callable

import tensorflow.compat.v1 as tf
import tf_slim as slim

from nets import layers
from nets.batch_norm import BatchNormMode

# research/deeplab, core/feature_extractor.py, `mobilenet_v2_arg_scope`; epsilon: slim's default.
_BATCH_NORM_DECAY = 0.997
_BATCH_NORM_EPSILON = 1e-3
_WEIGHTS_STDDEV = 0.09

_ROOT_DEPTH = 16
_DIVISOR = 8
_SQUEEZE_FACTOR = 4  # research/slim, mobilenet_v3.py


def hard_swish(inputs: tf.Tensor) -> tf.Tensor:
    """x * relu6(x + 3) / 6, section 5.2 of the paper."""
    return inputs * tf.nn.relu6(inputs + 3.0) * (1.0 / 6.0)


@dataclasses.dataclass(frozen=True)
class Bottleneck:
    """An inverted residual.

    Attributes:
      expansion: channels inside, as a multiple of the input's.
      depth: channels of the output.
      kernel_size: side of the depthwise kernel.
      stride: stride of the depthwise convolution.
      activation: of the convolutions inside.
      squeeze_excite: whether channels are weighted by what the whole image holds.
    """

    expansion: float
    depth: int
    kernel_size: int
    stride: int
    activation: Callable[[tf.Tensor], tf.Tensor]
    squeeze_excite: bool = False


@dataclasses.dataclass(frozen=True)
class MobileNetV3Spec:
    """The bottlenecks and the channels of the 1x1 convolution behind them."""

    bottlenecks: tuple[Bottleneck, ...]
    last_depth: int


_RELU = tf.nn.relu
# The last three bottlenecks and the last depth of each have half the paper's channels.
SPECS = {
    "mobilenet_v3_large_seg": MobileNetV3Spec(
        (
            Bottleneck(1, 16, 3, 1, _RELU),
            Bottleneck(4, 24, 3, 2, _RELU),
            Bottleneck(3, 24, 3, 1, _RELU),
            Bottleneck(3, 40, 5, 2, _RELU, squeeze_excite=True),
            Bottleneck(3, 40, 5, 1, _RELU, squeeze_excite=True),
            Bottleneck(3, 40, 5, 1, _RELU, squeeze_excite=True),
            Bottleneck(6, 80, 3, 2, hard_swish),
            Bottleneck(2.5, 80, 3, 1, hard_swish),
            Bottleneck(184 / 80, 80, 3, 1, hard_swish),
            Bottleneck(184 / 80, 80, 3, 1, hard_swish),
            Bottleneck(6, 112, 3, 1, hard_swish, squeeze_excite=True),
            Bottleneck(6, 112, 3, 1, hard_swish, squeeze_excite=True),
            Bottleneck(3, 80, 5, 2, hard_swish, squeeze_excite=True),
            Bottleneck(6, 80, 5, 1, hard_swish, squeeze_excite=True),
            Bottleneck(6, 80, 5, 1, hard_swish, squeeze_excite=True),
        ),
        last_depth=480,
    ),
    "mobilenet_v3_small_seg": MobileNetV3Spec(
        (
            Bottleneck(1, 16, 3, 2, _RELU, squeeze_excite=True),
            Bottleneck(72 / 16, 24, 3, 2, _RELU),
            Bottleneck(88 / 24, 24, 3, 1, _RELU),
            Bottleneck(4, 40, 5, 2, hard_swish, squeeze_excite=True),
            Bottleneck(6, 40, 5, 1, hard_swish, squeeze_excite=True),
            Bottleneck(6, 40, 5, 1, hard_swish, squeeze_excite=True),
            Bottleneck(3, 48, 5, 1, hard_swish, squeeze_excite=True),
            Bottleneck(3, 48, 5, 1, hard_swish, squeeze_excite=True),
            Bottleneck(3, 48, 5, 2, hard_swish, squeeze_excite=True),
            Bottleneck(6, 48, 5, 1, hard_swish, squeeze_excite=True),
            Bottleneck(6, 48, 5, 1, hard_swish, squeeze_excite=True),
        ),
        last_depth=288,
    ),
}


def build(
    images: tf.Tensor,
    variant: str,
    *,
    output_stride: int,
    depth_multiplier: float,
    weight_decay: float,
    batch_norm: BatchNormMode,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Builds a MobileNetV3 without its classifier.

    Args:
      images: float32 [batch, height, width, channels], normalised.
      variant: a name of `SPECS`.
      output_stride: image size over feature map size. Later strides become atrous rates.
      depth_multiplier: multiplies every channel count; counts are rounded to multiples of 8.
      weight_decay: L2 weight of ordinary convolutions; depthwise ones have none.
      batch_norm: how batch norm behaves.

    Returns:
      (features float32 [batch, height / output_stride, …, channels], end points by name: `layer_N`
      and `layer_N/depthwise_output` of every bottleneck, counted from 2).
    """
    spec = SPECS[variant]

    def scaled(depth: int) -> int:
        return layers.round_depth(depth * depth_multiplier, _DIVISOR)

    end_points = {}
    arguments = {
        "weights_initializer": tf.truncated_normal_initializer(stddev=_WEIGHTS_STDDEV),
        **batch_norm.slim_params(_BATCH_NORM_DECAY, _BATCH_NORM_EPSILON),
    }
    with (
        tf.variable_scope("MobilenetV3"),
        slim.arg_scope([slim.conv2d, slim.separable_conv2d], **arguments),
        slim.arg_scope([slim.conv2d], weights_regularizer=slim.l2_regularizer(weight_decay)),
    ):
        net = slim.conv2d(
            images, scaled(_ROOT_DEPTH), 3, stride=2, activation_fn=hard_swish, scope="Conv"
        )
        current_stride, rate = 2, 1
        for number, bottleneck in enumerate(spec.bottlenecks):
            stride, unit_rate = bottleneck.stride, 1
            if current_stride == output_stride:
                unit_rate, rate, stride = rate, rate * stride, 1
            current_stride *= stride
            with tf.variable_scope(f"expanded_conv_{number}" if number else "expanded_conv"):
                net, expanded = _expanded_conv(
                    net, bottleneck, scaled(bottleneck.depth), stride, unit_rate
                )
            end_points[f"layer_{number + 2}/depthwise_output"] = expanded
            end_points[f"layer_{number + 2}"] = net
        net = slim.conv2d(net, scaled(spec.last_depth), 1, activation_fn=hard_swish, scope="Conv_1")
        return net, end_points


def _expanded_conv(
    inputs: tf.Tensor, bottleneck: Bottleneck, depth: int, stride: int, rate: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """An inverted residual; returns its output and that of its depthwise convolution."""
    input_depth = inputs.shape[-1].value
    expanded_depth = layers.round_depth(input_depth * bottleneck.expansion, _DIVISOR)
    net = inputs
    with slim.arg_scope([slim.conv2d, slim.separable_conv2d], activation_fn=bottleneck.activation):
        if expanded_depth > input_depth:
            net = slim.conv2d(net, expanded_depth, 1, scope="expand")
        net = layers.depthwise_conv2d(
            net, bottleneck.kernel_size, stride=stride, rate=rate, scope="depthwise"
        )
        expanded = net
        if bottleneck.squeeze_excite:
            net = _squeeze_excite(net)
        net = slim.conv2d(net, depth, 1, activation_fn=None, scope="project")
    if stride == 1 and input_depth == depth:
        net += inputs
    return net, expanded


def _squeeze_excite(inputs: tf.Tensor) -> tf.Tensor:
    """Weights each channel by a function of the means of all channels (section 5.3)."""
    depth = inputs.shape[-1].value
    with (
        tf.variable_scope("squeeze_excite"),
        slim.arg_scope([slim.conv2d], normalizer_fn=None),
    ):
        pooled = tf.reduce_mean(inputs, axis=[1, 2], keepdims=True)
        squeezed = slim.conv2d(
            pooled,
            layers.round_depth(depth / _SQUEEZE_FACTOR, _DIVISOR),
            1,
            activation_fn=tf.nn.relu,
            scope="Conv",
        )
        weights = slim.conv2d(
            squeezed,
            depth,
            1,
            activation_fn=layers.quantized_sigmoid,
            scope="Conv_1",
        )
        return inputs * weights
