"""MobileNetEdgeTPU encoder.

Its first bottlenecks are fused, as an Edge TPU computes an ordinary convolution in less time than a
1x1 and a depthwise one. No paper describes it; the layers are those of research/slim,
nets/mobilenet/mobilenet_v3.py, `V3_EDGETPU`. The depth multiplier scales the last layer, too, as in
research/deeplab; research/slim's classifier of multiplier 0.75 keeps the 1280 channels there.
"""

import functools

import tensorflow.compat.v1 as tf

from nets import layers, mobilenet
from nets.batch_norm import BatchNormMode
from nets.mobilenet import Bottleneck

_bottleneck = functools.partial(Bottleneck, activation=tf.nn.relu)
_fused = functools.partial(_bottleneck, kernel_size=3, is_fused=True)
_SPEC = mobilenet.MobileNetSpec(
    "MobilenetEdgeTPU",
    32,
    tf.nn.relu,
    (
        _fused(1, 16, stride=1),
        _fused(8, 32, stride=2),
        *(_fused(4, 32, stride=1),) * 3,
        _fused(8, 48, stride=2),
        *(_fused(4, 48, stride=1),) * 3,
        _bottleneck(8, 96, 3, 2),
        *(_bottleneck(4, 96, 3, 1),) * 3,
        _bottleneck(8, 96, 3, 1, has_shortcut=False),
        *(_bottleneck(4, 96, 3, 1),) * 3,
        _bottleneck(8, 160, 5, 2),
        *(_bottleneck(4, 160, 5, 1),) * 3,
        _bottleneck(8, 192, 3, 1),
    ),
    last_depth=1280,
)


def build(
    images: tf.Tensor,
    *,
    output_stride: int,
    depth_multiplier: float,
    weight_decay: float,
    batch_norm: BatchNormMode,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Builds MobileNetEdgeTPU without its classifier; see `mobilenet.build`.

    Args:
      depth_multiplier: multiplies every channel count; counts are rounded to multiples of 8.
    """
    return mobilenet.build(
        images,
        _SPEC,
        lambda depth: layers.round_depth(depth * depth_multiplier, 8),
        output_stride=output_stride,
        weight_decay=weight_decay,
        batch_norm=batch_norm,
    )
