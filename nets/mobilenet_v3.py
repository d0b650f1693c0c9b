"""MobileNetV3 encoders, for classification and, with names in `_seg`, for segmentation.

Howard et al., "Searching for MobileNetV3", arXiv 1905.02244, tables 1 and 2. For segmentation the
channels of the last three bottlenecks and of the last convolution are halved (section 6.4).
research/deeplab halves integers with `/`, so its networks cannot be built under Python 3.
"""

import functools

import tensorflow.compat.v1 as tf

from nets import layers, mobilenet
from nets.batch_norm import BatchNormMode
from nets.mobilenet import Bottleneck


def hard_swish(inputs: tf.Tensor) -> tf.Tensor:
    """x * relu6(x + 3) / 6, section 5.2 of the paper."""
    return inputs * tf.nn.relu6(inputs + 3.0) * (1.0 / 6.0)


_spec = functools.partial(mobilenet.MobileNetSpec, "MobilenetV3", 16, hard_swish)
_RELU = tf.nn.relu
_LARGE = (
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
)
_SMALL = (
    Bottleneck(1, 16, 3, 2, _RELU, squeeze_excite=True),
    Bottleneck(72 / 16, 24, 3, 2, _RELU),
    Bottleneck(88 / 24, 24, 3, 1, _RELU),
    Bottleneck(4, 40, 5, 2, hard_swish, squeeze_excite=True),
    Bottleneck(6, 40, 5, 1, hard_swish, squeeze_excite=True),
    Bottleneck(6, 40, 5, 1, hard_swish, squeeze_excite=True),
    Bottleneck(3, 48, 5, 1, hard_swish, squeeze_excite=True),
    Bottleneck(3, 48, 5, 1, hard_swish, squeeze_excite=True),
)


def _last(first_expansion: float, depth: int) -> tuple[Bottleneck, ...]:
    """The three bottlenecks at stride 32."""
    expansions = (first_expansion, 6, 6)
    return tuple(
        Bottleneck(expansion, depth, 5, 1 if index else 2, hard_swish, squeeze_excite=True)
        for index, expansion in enumerate(expansions)
    )


SPECS = {
    "mobilenet_v3_large": _spec((*_LARGE, *_last(6, 160)), last_depth=960),
    "mobilenet_v3_small": _spec((*_SMALL, *_last(6, 96)), last_depth=576),
    "mobilenet_v3_large_seg": _spec((*_LARGE, *_last(3, 80)), last_depth=480),
    "mobilenet_v3_small_seg": _spec((*_SMALL, *_last(3, 48)), last_depth=288),
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
    """Builds a MobileNetV3 without its classifier; see `mobilenet.build`.

    Args:
      variant: a name of `SPECS`.
      depth_multiplier: multiplies every channel count; counts are rounded to multiples of 8.
    """
    return mobilenet.build(
        images,
        SPECS[variant],
        lambda depth: layers.round_depth(depth * depth_multiplier, 8),
        output_stride=output_stride,
        weight_decay=weight_decay,
        batch_norm=batch_norm,
    )
