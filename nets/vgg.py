"""VGG encoders: 3x3 convolutions with biases, without batch norm.

Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", arXiv
1409.1556, table 1, columns D (16 layers) and E (19); vgg_tiny has the layers of the former and few
channels, for style transfer without a download. Variable names are those of research/slim. For
an odd number of rows or columns its pooling drops the last one; ours keeps it, so that corners stay
aligned.
"""

from collections.abc import Sequence

import tensorflow.compat.v1 as tf
import tf_slim as slim

from nets import layers
from nets.batch_norm import BatchNormMode

_DEPTHS = (64, 128, 256, 512, 512)
NUM_CONVOLUTIONS = {
    "vgg_16": (2, 2, 3, 3, 3),
    "vgg_19": (2, 2, 4, 4, 4),
    "vgg_tiny": (2, 2, 3, 3, 3),
}


def layer_names(variant: str) -> list[str]:
    """Returns the convolutions of a VGG in their order: `convM_N`."""
    return [
        f"conv{block}_{number}"
        for block, count in enumerate(NUM_CONVOLUTIONS[variant], start=1)
        for number in range(1, count + 1)
    ]


def build(
    images: tf.Tensor,
    variant: str,
    *,
    output_stride: int,
    weight_decay: float,
    batch_norm: BatchNormMode | None = None,
    pool: str = "max",
    depths: Sequence[int] = _DEPTHS,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Builds a VGG without its classifier; see `registry.extract_features`.

    Args:
      variant: a name of `NUM_CONVOLUTIONS`; also the variable scope.
      batch_norm: without effect: there is none.
      pool: "max", as trained, or "average" (Gatys et al., arXiv 1508.06576: smoother gradients with
        respect to the image).
      depths: channels of each block.

    Returns:
      (features, behind the fifth pooling; end points by name: `convM_N` behind its ReLU, and
      `poolM`).
    """
    del batch_norm
    end_points: dict[str, tf.Tensor] = {}
    arguments = {
        "weights_initializer": slim.variance_scaling_initializer(),
        "weights_regularizer": slim.l2_regularizer(weight_decay),
        "activation_fn": tf.nn.relu,
        "normalizer_fn": None,
    }
    with tf.variable_scope(variant), slim.arg_scope([slim.conv2d], **arguments):
        net, current_stride, rate = images, 1, 1
        blocks = zip(depths, NUM_CONVOLUTIONS[variant], strict=True)
        for block, (depth, length) in enumerate(blocks, start=1):
            with tf.variable_scope(f"conv{block}"):
                for number in range(1, length + 1):
                    name = f"conv{block}_{number}"
                    net = end_points[name] = slim.conv2d(net, depth, 3, rate=rate, scope=name)
            stride = 1 if current_stride == output_stride else 2
            net = end_points[f"pool{block}"] = layers.pool_2x2(net, pool, stride, rate)
            current_stride *= stride
            rate *= 2 // stride
        return net, end_points
