"""Xception encoders, as modified for DeepLabV3+.

Chollet, "Xception", arXiv 1610.02357; Chen et al., "DeepLabV3+", arXiv 1802.02611, section 3.2 and
figure 4: deeper, strided separable convolutions instead of max pooling, batch norm and (where
wanted) ReLU after each depthwise convolution.

Variable names are those of research/deeplab; published checkpoints depend on them.
"""

import dataclasses
from collections.abc import Callable, Sequence

import tensorflow.compat.v1 as tf
import tf_slim as slim
from tf_slim.nets import resnet_utils

from nets import covariance_norm, layers
from nets.batch_norm import BatchNormMode
from nets.registry import ROOT

# research/deeplab, core/xception.py and core/feature_extractor.py.
_BATCH_NORM_DECAY = 0.9997
_BATCH_NORM_EPSILON = 1e-3
_WEIGHTS_STDDEV = 0.09
# research/deeplab, core/xception.py: what bounded activations stay within.
_BOUND = 6.0


@dataclasses.dataclass(frozen=True)
class Block:
    """One or more equal Xception modules.

    Attributes:
      scope: variable scope below the network's.
      depths: channels of the module's three separable convolutions.
      skip: "conv" (1x1 convolution), "sum" (identity) or "none".
      stride: stride of the last separable convolution of the last module.
      num_units: how many modules.
      is_last: `multi_grid` sets the rates of the three convolutions, and ReLU follows each
        depthwise and pointwise convolution instead of preceding each separable one.
    """

    scope: str
    depths: tuple[int, int, int]
    skip: str
    stride: int
    num_units: int = 1
    is_last: bool = False


@dataclasses.dataclass(frozen=True)
class XceptionSpec:
    """The root convolutions' channels and the blocks of one Xception."""

    root_depths: tuple[int, int]
    blocks: tuple[Block, ...]


def _spec(
    entry: Sequence[tuple[int, int]],
    num_middle: int,
    *,
    root_depths: tuple[int, int] = (32, 64),
    exit_depths: Sequence[tuple[int, int, int]] = ((728, 1024, 1024), (1536, 1536, 2048)),
) -> XceptionSpec:
    """Describes an Xception.

    Args:
      entry: channels and stride of each block of the entry flow; the middle flow has the channels
        of the last one.
      num_middle: number of modules in the middle flow.
      root_depths, exit_depths: channels of the root convolutions, and of the exit flow's blocks.
    """
    blocks = [
        Block(f"entry_flow/block{number}", (depth,) * 3, "conv", stride)
        for number, (depth, stride) in enumerate(entry, start=1)
    ]
    blocks += [
        Block("middle_flow/block1", (entry[-1][0],) * 3, "sum", 1, num_units=num_middle),
        Block("exit_flow/block1", exit_depths[0], "conv", 2),
        Block("exit_flow/block2", exit_depths[1], "none", 1, is_last=True),
    ]
    return XceptionSpec(root_depths, tuple(blocks))


SPECS = {
    "xception_41": _spec(((128, 2), (256, 2), (728, 2)), 8),
    "xception_65": _spec(((128, 2), (256, 2), (728, 2)), 16),
    "xception_71": _spec(((128, 2), (256, 1), (256, 2), (728, 1), (728, 2)), 16),
    # Ours, for the demo and for tests: the same modules, few channels, two middle units.
    "xception_tiny": _spec(
        ((32, 2), (64, 2), (128, 2)),
        2,
        root_depths=(16, 32),
        exit_depths=((128, 160, 160), (192, 192, 256)),
    ),
}


def build(
    images: tf.Tensor,
    variant: str,
    *,
    output_stride: int,
    multi_grid: tuple[int, ...] | None,
    use_bounded_activation: bool,
    weight_decay: float,
    batch_norm: BatchNormMode,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Builds an Xception without its classifier; see `registry.extract_features`.

    Args:
      variant: a name of `SPECS`; also the variable scope.
      multi_grid: rates of the three convolutions of the last block; None for (1, 1, 1).
      use_bounded_activation: keep activations within -6..6, for 8-bit inference; strided
        convolutions are then padded by TensorFlow's SAME.

    Returns:
      (features, end points by name: the convolutions before the first module, and the second
      separable convolution of every module).
    """
    spec = SPECS[variant]
    end_points: dict[str, tf.Tensor] = {}
    arguments = {
        "weights_initializer": tf.truncated_normal_initializer(stddev=_WEIGHTS_STDDEV),
        "activation_fn": None,
        **batch_norm.slim_params(_BATCH_NORM_DECAY, _BATCH_NORM_EPSILON),
    }
    with (
        tf.variable_scope(variant),
        slim.arg_scope([slim.conv2d, slim.separable_conv2d], **arguments),
        slim.arg_scope([slim.conv2d], weights_regularizer=slim.l2_regularizer(weight_decay)),
    ):
        relu = tf.nn.relu6 if use_bounded_activation else tf.nn.relu
        end_points[ROOT] = net = _root(images, spec.root_depths, relu)
        current_stride, rate = 2, 1
        for block in spec.blocks:
            with tf.variable_scope(block.scope):
                for unit in range(1, block.num_units + 1):
                    stride = block.stride if unit == block.num_units else 1
                    unit_rate = 1
                    if current_stride == output_stride:
                        unit_rate, rate, stride = rate, rate * stride, 1
                    current_stride *= stride
                    with tf.variable_scope(f"unit_{unit}/xception_module"):
                        net, tap = _module(
                            net, block, stride, unit_rate, multi_grid, use_bounded_activation
                        )
                    name = f"{block.scope}/unit_{unit}/xception_module/separable_conv2_pointwise"
                    end_points[name] = tap
        return net, end_points


def _root(
    images: tf.Tensor, depths: tuple[int, int], relu: Callable[[tf.Tensor], tf.Tensor]
) -> tf.Tensor:
    with tf.variable_scope("entry_flow"), slim.arg_scope([slim.conv2d], activation_fn=relu):
        net = resnet_utils.conv2d_same(images, depths[0], 3, stride=2, scope="conv1_1")
        return slim.conv2d(net, depths[1], 3, scope="conv1_2")


def _module(
    inputs: tf.Tensor,
    block: Block,
    stride: int,
    rate: int,
    multi_grid: tuple[int, ...] | None,
    is_bounded: bool,
) -> tuple[tf.Tensor, tf.Tensor]:
    """One module; returns its output and the output of its second separable convolution."""
    unit_rates = multi_grid if block.is_last and multi_grid else (1, 1, 1)
    relu = tf.nn.relu6 if is_bounded else tf.nn.relu
    bound = (lambda net: tf.clip_by_value(net, -_BOUND, _BOUND)) if is_bounded else tf.identity
    net, outputs = inputs, []
    for index, (depth, unit_rate) in enumerate(zip(block.depths, unit_rates, strict=True)):
        scope = f"separable_conv{index + 1}"
        activation = relu if block.is_last else bound
        if not block.is_last:
            net = relu(net)
        padding = "SAME"
        if index == 2 and stride > 1 and not is_bounded:
            # As `conv2d_same`: SAME would pad images of even and odd sizes differently.
            net, padding = tf.pad(net, [[0, 0], [1, 1], [1, 1], [0, 0]]), "VALID"
        net = layers.depthwise_conv2d(
            net,
            3,
            stride=stride if index == 2 else 1,
            rate=rate * unit_rate,
            padding=padding,
            activation_fn=activation,
            scope=f"{scope}_depthwise",
        )
        net = slim.conv2d(net, depth, 1, activation_fn=activation, scope=f"{scope}_pointwise")
        outputs.append(net)
    if block.skip == "none":
        return net, outputs[1]
    shortcut = inputs
    if block.skip == "conv":
        shortcut = slim.conv2d(inputs, block.depths[-1], 1, stride=stride, scope="shortcut")
    net = covariance_norm.unfused_sum(bound(net), bound(shortcut), inputs)
    return tf.nn.relu6(net) if is_bounded else net, outputs[1]
