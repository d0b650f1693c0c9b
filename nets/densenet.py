"""DenseNet encoders.

Huang et al., "Densely Connected Convolutional Networks", arXiv 1608.06993, table 1: each unit of a
block adds a few channels, made from those of all units before it. Batch norm and ReLU precede their
convolution. Pleiss et al., "Memory-Efficient Implementation of DenseNets", arXiv 1707.06990: what a
unit joins and normalizes is computed again in the backward pass (`nets.recomputation`).

Variable names and batch norm are those of pudae/tensorflow-densenet, whose checkpoints are
published for 121, 161 and 169. For an odd number of rows or columns its transitions drop the last
one; ours keep it, so that corners stay aligned.
"""

import tensorflow.compat.v1 as tf
import tf_slim as slim

from nets import layers
from nets.batch_norm import BatchNormMode
from nets.registry import ROOT

# pudae/tensorflow-densenet.
_BATCH_NORM_DECAY = 0.99
_BATCH_NORM_EPSILON = 1.1e-5

# Sections 3 and 4 of the paper: channels of the 1x1 convolution over the growth rate; share of the
# channels that a transition keeps.
_BOTTLENECK_FACTOR = 4
_COMPRESSION = 0.5
# Of the root convolution and the pooling after it.
_ROOT_STRIDE = 4


def build(
    images: tf.Tensor,
    *,
    scope: str,
    growth_rate: int,
    root_depth: int,
    num_units: tuple[int, ...],
    code_depth: int | None = None,
    output_stride: int,
    weight_decay: float,
    batch_norm: BatchNormMode,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Builds a DenseNet without its classifier; see `registry.extract_features`.

    Args:
      scope: variable scope.
      growth_rate: channels that a unit adds.
      root_depth: channels of the first convolution.
      num_units: units in each block.
      code_depth: channels of a 1x1 convolution after the last block, with batch norm and ReLU; None
        for no such layer.

    Returns:
      (features, end points by name: `dense_blockN`, the channels of a block after the batch norm
      and ReLU that follow it; the last is the features unless there is a `code_block`).
    """
    end_points: dict[str, tf.Tensor] = {}
    normalizer = batch_norm.slim_params(_BATCH_NORM_DECAY, _BATCH_NORM_EPSILON)
    arguments = {
        "weights_initializer": slim.variance_scaling_initializer(),
        "weights_regularizer": slim.l2_regularizer(weight_decay),
        "activation_fn": None,
        "biases_initializer": None,
    }
    with (
        tf.variable_scope(scope),
        slim.arg_scope([slim.conv2d], **arguments),
        slim.arg_scope([_normalized], **normalizer),
    ):
        net = slim.conv2d(images, root_depth, 7, stride=2, scope="conv1")
        end_points[ROOT] = net = _normalized(net)
        net = slim.max_pool2d(net, 3, stride=2, padding="SAME", scope="pool1")
        current_stride, rate = _ROOT_STRIDE, 1
        for number, length in enumerate(num_units, start=1):
            with tf.variable_scope(f"dense_block{number}"):
                for unit in range(1, length + 1):
                    with tf.variable_scope(f"conv_block{unit}"):
                        net = _unit(net, growth_rate, rate)
            is_last = number == len(num_units)
            with tf.variable_scope("final_block" if is_last else f"transition_block{number}/blk"):
                end_points[f"dense_block{number}"] = net = _normalized(net)
                if not is_last:
                    depth = int(net.shape[-1].value * _COMPRESSION)
                    net = slim.conv2d(net, depth, 1, scope="Conv")
            if not is_last:
                stride = 1 if current_stride == output_stride else 2
                net = layers.pool_2x2(net, "average", stride, rate)
                current_stride *= stride
                rate *= 2 // stride
        if code_depth is not None:
            with tf.variable_scope("code_block"):
                net = slim.conv2d(net, code_depth, 1, scope="Conv")
                end_points["code_block"] = net = _normalized(net)
        return net, end_points


def _unit(inputs: tf.Tensor, growth_rate: int, rate: int) -> tf.Tensor:
    """Adds `growth_rate` channels to those of its input: a 1x1 and a 3x3 convolution."""
    with tf.variable_scope("x1"):
        net = slim.conv2d(_normalized(inputs), _BOTTLENECK_FACTOR * growth_rate, 1, scope="Conv")
    with tf.variable_scope("x2"):
        net = slim.conv2d(_normalized(net), growth_rate, 3, rate=rate, scope="Conv")
    return tf.concat([inputs, net], axis=3)


@slim.add_arg_scope
def _normalized(inputs: tf.Tensor, normalizer_fn, normalizer_params) -> tf.Tensor:
    """Batch norm and ReLU, in the current variable scope."""
    return tf.nn.relu(normalizer_fn(inputs, **normalizer_params))
