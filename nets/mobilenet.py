"""What the MobileNets share: a root convolution and a stack of inverted residuals.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", arXiv 1801.04381; Howard
et al., "Searching for MobileNetV3", arXiv 1905.02244. The channels of the squeeze-and-excitation
and of the expansion are rounded as in research/slim; published checkpoints depend on variable names
and rounding.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow.compat.v1 as tf
import tf_slim as slim

from nets import layers
from nets.batch_norm import BatchNormMode

Activation = Callable[[tf.Tensor], tf.Tensor]

# research/slim, nets/mobilenet/mobilenet.py, `training_scope`; research/deeplab,
# core/feature_extractor.py, `mobilenet_v2_arg_scope`.
_BATCH_NORM_DECAY = 0.997
_BATCH_NORM_EPSILON = 1e-3
_WEIGHTS_STDDEV = 0.09

_DIVISOR = 8
_SQUEEZE_FACTOR = 4  # research/slim, mobilenet_v3.py


@dataclasses.dataclass(frozen=True)
class Bottleneck:
    """An inverted residual.

    Attributes:
      expansion: channels inside, as a multiple of the input's.
      depth: channels of the output.
      kernel_size, stride: of the depthwise convolution, or of the expansion where it is fused.
      activation: of the convolutions inside.
      squeeze_excite: whether channels are weighted by what the whole image holds.
      is_fused: whether the expansion is an ordinary convolution of that kernel, and no depthwise
        one follows. Without expansion, nothing but the projection is left.
      has_shortcut: whether the input is added to an output of the same shape.
    """

    expansion: float
    depth: int
    kernel_size: int
    stride: int
    activation: Activation
    squeeze_excite: bool = False
    is_fused: bool = False
    has_shortcut: bool = True


@dataclasses.dataclass(frozen=True)
class MobileNetSpec:
    """What distinguishes one MobileNet.

    Attributes:
      root_depth: channels of the first convolution.
      activation: of the convolutions outside bottlenecks.
      last_depth: channels of the 1x1 convolution after the bottlenecks; None where there is none.
    """

    scope: str
    root_depth: int
    activation: Activation
    bottlenecks: tuple[Bottleneck, ...]
    last_depth: int | None = None


def build(
    images: tf.Tensor,
    spec: MobileNetSpec,
    scaled: Callable[[int], int],
    *,
    output_stride: int,
    weight_decay: float,
    batch_norm: BatchNormMode,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Builds a MobileNet without its classifier; see `registry.extract_features`.

    Args:
      images: float32 [batch, height, width, channels], normalized.
      scaled: applies depth multiplier and rounding to a channel count.
      output_stride: image size over feature map size. Later strides become atrous rates.
      weight_decay: L2 weight of ordinary convolutions; depthwise ones have none.

    Returns:
      (features float32 [batch, height / output_stride, …, channels], end points by name: `layer_1`,
      the first convolution, and of every bottleneck `layer_N` and what it projects,
      `layer_N/depthwise_output`, or `layer_N/expansion_output` where it is fused).
    """
    end_points: dict[str, tf.Tensor] = {}
    arguments = {
        "weights_initializer": tf.truncated_normal_initializer(stddev=_WEIGHTS_STDDEV),
        "activation_fn": spec.activation,
        **normalizer(batch_norm),
    }
    with (
        tf.variable_scope(spec.scope),
        slim.arg_scope([slim.conv2d, slim.separable_conv2d], **arguments),
        slim.arg_scope([slim.conv2d], weights_regularizer=slim.l2_regularizer(weight_decay)),
    ):
        net = slim.conv2d(images, scaled(spec.root_depth), 3, stride=2, scope="Conv")
        end_points["layer_1"] = net
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
            kind = "expansion" if bottleneck.is_fused else "depthwise"
            end_points[f"layer_{number + 2}/{kind}_output"] = expanded
            end_points[f"layer_{number + 2}"] = net
        if spec.last_depth is not None:
            net = slim.conv2d(net, scaled(spec.last_depth), 1, scope="Conv_1")
        return net, end_points


def normalizer(batch_norm: BatchNormMode) -> dict[str, Any]:
    """Returns slim's arguments for layers with the batch norm of the MobileNets."""
    return batch_norm.slim_params(_BATCH_NORM_DECAY, _BATCH_NORM_EPSILON)


def _expanded_conv(
    inputs: tf.Tensor, bottleneck: Bottleneck, depth: int, stride: int, rate: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """An inverted residual; returns its output and what was projected to it."""
    input_depth = inputs.shape[-1].value
    net = inputs
    window = {"kernel_size": bottleneck.kernel_size, "stride": stride, "rate": rate}
    with slim.arg_scope([slim.conv2d, slim.separable_conv2d], activation_fn=bottleneck.activation):
        if bottleneck.expansion > 1:
            expanded_depth = layers.round_depth(input_depth * bottleneck.expansion, _DIVISOR)
            expansion = window if bottleneck.is_fused else {"kernel_size": 1}
            net = slim.conv2d(net, expanded_depth, **expansion, scope="expand")
        if not bottleneck.is_fused:
            net = layers.depthwise_conv2d(net, **window, scope="depthwise")
        expanded = net
        if bottleneck.squeeze_excite:
            net = _squeeze_excite(net)
        net = slim.conv2d(net, depth, 1, activation_fn=None, scope="project")
    if bottleneck.has_shortcut and stride == 1 and input_depth == depth:
        net += inputs
    return net, expanded


def _squeeze_excite(inputs: tf.Tensor) -> tf.Tensor:
    """Weights each channel by a function of the means of all channels (MobileNetV3, 5.3)."""
    depth = inputs.shape[-1].value
    squeezed_depth = layers.round_depth(depth / _SQUEEZE_FACTOR, _DIVISOR)
    with tf.variable_scope("squeeze_excite"), slim.arg_scope([slim.conv2d], normalizer_fn=None):
        net = tf.reduce_mean(inputs, axis=[1, 2], keepdims=True)
        net = slim.conv2d(net, squeezed_depth, 1, activation_fn=tf.nn.relu, scope="Conv")
        gate = layers.quantized_sigmoid
        return inputs * slim.conv2d(net, depth, 1, activation_fn=gate, scope="Conv_1")
