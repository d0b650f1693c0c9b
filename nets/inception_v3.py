"""Inception v3 encoder, for classifiers only: its VALID convolutions have no atrous form here.

Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", arXiv 1512.00567. The
layers are tf_slim's, with batch norm of ours and, as published, without gamma.
"""

from typing import Any

import tensorflow.compat.v1 as tf
import tf_slim as slim
from tf_slim.nets import inception_v3

from nets.batch_norm import BatchNormMode

_OUTPUT_STRIDE = 32
# The first size whose last feature map has a pixel.
_SMALLEST_SIDE = 75

# research/slim, nets/inception_utils.py.
_BATCH_NORM_DECAY = 0.9997
_BATCH_NORM_EPSILON = 1e-3


def build(
    images: tf.Tensor,
    *,
    output_stride: int,
    weight_decay: float,
    batch_norm: BatchNormMode,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Builds Inception v3 without its classifiers.

    Args:
      images: float32 [batch, height, width, 3], normalized; sides of 75 or more.
      output_stride: 32.

    Returns:
      (features float32 [batch, 8, 8, 2048] for images of 299x299, end points by tf_slim's names,
      such as `Mixed_6e`, behind which the auxiliary classifier stands, and `Mixed_7c`, the
      features).

    Raises:
      ValueError: the stride is another one, or the images are too small.
    """
    if output_stride != _OUTPUT_STRIDE:
        raise ValueError(
            f"output_stride is {output_stride}; inception_v3 has {_OUTPUT_STRIDE} only."
        )
    size = images.shape.as_list()[1:3]
    if any(side is not None and side < _SMALLEST_SIDE for side in size):
        raise ValueError(
            f"image size is {size[0]}x{size[1]}; inception_v3 needs at least "
            f"{_SMALLEST_SIDE}x{_SMALLEST_SIDE}."
        )
    arguments = {
        "weights_initializer": slim.variance_scaling_initializer(),
        "weights_regularizer": slim.l2_regularizer(weight_decay),
        "activation_fn": tf.nn.relu,
        **normalizer(batch_norm),
    }
    with slim.arg_scope([slim.conv2d], **arguments):
        return inception_v3.inception_v3_base(images, scope="InceptionV3")


def normalizer(batch_norm: BatchNormMode) -> dict[str, Any]:
    """Returns slim's arguments for layers with the batch norm of Inception v3."""
    return batch_norm.slim_params(_BATCH_NORM_DECAY, _BATCH_NORM_EPSILON, scale=False)
