"""MobileNetV2 encoder.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", arXiv 1801.04381, table 2,
up to the last bottleneck (the 1280-channel `Conv_1` and the classifier are not built).
"""

import tensorflow.compat.v1 as tf

from nets import layers, mobilenet
from nets.batch_norm import BatchNormMode
from nets.mobilenet import Bottleneck

# Table 2 of the paper: (channels, stride of the first bottleneck, number of bottlenecks).
_GROUPS = ((24, 2, 2), (32, 2, 3), (64, 2, 4), (96, 1, 3), (160, 2, 3), (320, 1, 1))
_SPEC = mobilenet.MobileNetSpec(
    "MobilenetV2",
    32,
    tf.nn.relu6,
    (
        Bottleneck(1, 16, 3, 1, tf.nn.relu6),
        *(
            Bottleneck(6, depth, 3, stride if first else 1, tf.nn.relu6)
            for depth, stride, repeats in _GROUPS
            for first in (True, *(False,) * (repeats - 1))
        ),
    ),
)


def build(
    images: tf.Tensor,
    *,
    output_stride: int,
    depth_multiplier: float,
    divisible_by: int | None,
    weight_decay: float,
    batch_norm: BatchNormMode,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Builds MobileNetV2 without its classifier; see `mobilenet.build`.

    Args:
      depth_multiplier: multiplies every channel count.
      divisible_by: channel counts become multiples of it; None for 8 at a multiplier of 1.0 and 1
        otherwise, which is how the published checkpoints were made.
    """
    min_depth = 8 if depth_multiplier == 1.0 else 1
    divisor = divisible_by or min_depth
    return mobilenet.build(
        images,
        _SPEC,
        lambda depth: layers.round_depth(depth * depth_multiplier, divisor, min_depth),
        output_stride=output_stride,
        weight_decay=weight_decay,
        batch_norm=batch_norm,
    )
