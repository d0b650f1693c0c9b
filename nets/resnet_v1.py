"""ResNet v1 encoders and their beta forms, whose root is three 3x3 convolutions.

He et al., "Deep Residual Learning for Image Recognition", arXiv 1512.03385. Unlike there, a block
halves the resolution in the 3x3 convolution of its last unit, and the units of block 4 have atrous
rates of their own (`multi_grid`: Chen et al., "Rethinking Atrous Convolution", arXiv 1706.05587,
section 3.2). In the paper, the first 1x1 convolution of a block's first unit does it; in
torchvision, the 3x3 convolution of the first unit: its weights fit ours by shape, and are for
another function, which neither names nor shapes of a checkpoint reveal.

Blocks and strides are tf_slim's; its own networks have neither the beta root nor `multi_grid`.
Variable names are those of research/deeplab; published checkpoints depend on them.
"""

import functools
from collections.abc import Sequence

import tensorflow.compat.v1 as tf
import tf_slim as slim
from tf_slim.nets import resnet_utils

from nets.batch_norm import BatchNormMode
from nets.registry import ROOT

# research/deeplab, core/feature_extractor.py.
_BATCH_NORM_DECAY = 0.95
_BATCH_NORM_EPSILON = 1e-5

_BLOCK_DEPTHS = (64, 128, 256, 512)
# Channels of a bottleneck's output over those inside: table 1 of the paper.
_BOTTLENECK_FACTOR = 4
# Of the root convolution and the pooling after it.
_ROOT_STRIDE = 4


def build(
    images: tf.Tensor,
    *,
    scope: str,
    num_units: tuple[int, int, int, int],
    is_lite: bool,
    root_depths: tuple[int, int, int] | None,
    output_stride: int,
    multi_grid: tuple[int, ...] | None,
    weight_decay: float,
    batch_norm: BatchNormMode,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Builds a ResNet without its classifier; see `registry.extract_features`.

    Args:
      scope: variable scope, the same for the plain and the beta form.
      num_units: units in each of the four blocks.
      is_lite: units of two 3x3 convolutions; otherwise 1x1, 3x3, 1x1.
      root_depths: channels of the three 3x3 convolutions of a beta form; None for one of 7x7.
      multi_grid: rates of the units of block 4; None for 1 each. The published beta checkpoints
        were trained with (1, 2, 4).

    Returns:
      (features, end points by name: the last convolution of every unit, before the shortcut is
      added).
    """
    end_points: dict[str, tf.Tensor] = {}
    unit = functools.partial(_lite_bottleneck if is_lite else _bottleneck, end_points)
    arguments = {
        "weights_initializer": slim.variance_scaling_initializer(),
        "weights_regularizer": slim.l2_regularizer(weight_decay),
        "activation_fn": tf.nn.relu,
        **batch_norm.slim_params(_BATCH_NORM_DECAY, _BATCH_NORM_EPSILON),
    }
    with tf.variable_scope(scope), slim.arg_scope([slim.conv2d], **arguments):
        end_points[ROOT] = net = _root(images, root_depths)
        net = slim.max_pool2d(net, 3, stride=2, padding="SAME", scope="pool1")
        net = resnet_utils.stack_blocks_dense(
            net, _blocks(num_units, unit, multi_grid), output_stride // _ROOT_STRIDE
        )
        return net, end_points


def _root(images: tf.Tensor, depths: tuple[int, int, int] | None) -> tf.Tensor:
    if depths is None:
        return resnet_utils.conv2d_same(images, 64, 7, stride=2, scope="conv1")
    net = images
    for number, depth in enumerate(depths, start=1):
        stride = 2 if number == 1 else 1
        net = resnet_utils.conv2d_same(net, depth, 3, stride=stride, scope=f"conv1_{number}")
    return net


def _blocks(num_units: Sequence[int], unit, multi_grid) -> list[resnet_utils.Block]:
    """Describes the blocks for `stack_blocks_dense`."""
    blocks = []
    for number, (depth, length) in enumerate(zip(_BLOCK_DEPTHS, num_units, strict=True), start=1):
        is_last = number == len(_BLOCK_DEPTHS)
        rates = multi_grid if is_last and multi_grid else (1,) * length
        strides = (1,) * (length - 1) + (1 if is_last else 2,)
        units = [
            {"depth": depth, "stride": stride, "unit_rate": rate}
            for stride, rate in zip(strides, rates, strict=True)
        ]
        blocks.append(resnet_utils.Block(f"block{number}", unit, units))
    return blocks


def _bottleneck(end_points, inputs, *, depth, stride, unit_rate, rate) -> tf.Tensor:
    """1x1, 3x3 and 1x1 convolutions around a shortcut: figure 5, right, of the paper."""
    with tf.variable_scope("bottleneck_v1"):
        output_depth = depth * _BOTTLENECK_FACTOR
        shortcut = _shortcut(inputs, output_depth, stride)
        net = slim.conv2d(inputs, depth, 1, scope="conv1")
        net = resnet_utils.conv2d_same(net, depth, 3, stride, rate=rate * unit_rate, scope="conv2")
        net = slim.conv2d(net, output_depth, 1, activation_fn=None, scope="conv3")
        end_points[_end_point_name("conv3")] = net
        return tf.nn.relu(shortcut + net)


def _lite_bottleneck(end_points, inputs, *, depth, stride, unit_rate, rate) -> tf.Tensor:
    """Two 3x3 convolutions around a shortcut: figure 5, left, of the paper."""
    with tf.variable_scope("lite_bottleneck_v1"):
        shortcut = _shortcut(inputs, depth, stride)
        net = resnet_utils.conv2d_same(inputs, depth, 3, 1, rate=rate * unit_rate, scope="conv1")
        with slim.arg_scope([slim.conv2d], activation_fn=None):
            net = resnet_utils.conv2d_same(
                net, depth, 3, stride, rate=rate * unit_rate, scope="conv2"
            )
        end_points[_end_point_name("conv2")] = net
        return tf.nn.relu(shortcut + net)


def _shortcut(inputs: tf.Tensor, depth: int, stride: int) -> tf.Tensor:
    if depth == inputs.shape[-1].value:
        return resnet_utils.subsample(inputs, stride, "shortcut")
    return slim.conv2d(inputs, depth, 1, stride=stride, activation_fn=None, scope="shortcut")


def _end_point_name(layer: str) -> str:
    """Returns `blockN/unit_M/…/layer`, whatever scopes the network is in."""
    unit = tf.get_variable_scope().name.split("/")[-3:]
    return "/".join([*unit, layer])
