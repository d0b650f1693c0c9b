"""The dense prediction cell: a searched architecture in ASPP's place.

Chen et al., "Searching for Efficient Multi-Scale Architectures for Dense Image Prediction", arXiv
1809.04184. Variable names are those of research/deeplab.
"""

from collections.abc import Sequence

import tensorflow.compat.v1 as tf
import tf_slim as slim

from deeplab import cell_config
from deeplab.cell_config import Branch
from deeplab.network import aspp
from deeplab.options import ModelOptions
from nets import layers
from nets.layers import Side

# research/deeplab, core/dense_prediction_cell.py: of each branch, and of the cell.
_DEPTH = 256
# Rates are written for this output stride, the one that cells were searched at.
_SEARCH_OUTPUT_STRIDE = 16


def build(
    features: tf.Tensor,
    branches: Sequence[Branch],
    options: ModelOptions,
    image_size: Sequence[Side],
    *,
    is_training: bool,
) -> tf.Tensor:
    """Adds context to an encoder's features as `aspp.build`, with 256 channels.

    Args:
      image_size: (height, width) of the image.

    Raises:
      ValueError: the cell pools over parts of an image whose size is not known.
    """
    rate_factor = _SEARCH_OUTPUT_STRIDE // options.output_stride
    outputs: list[tf.Tensor] = []
    with (
        tf.variable_scope("meta_architecture"),
        # Never bounded, as in research/deeplab.
        slim.arg_scope([slim.conv2d, slim.separable_conv2d], activation_fn=tf.nn.relu),
    ):
        for number, branch in enumerate(branches):
            scope = f"branch{number}"
            inputs = features if branch.input == cell_config.FEATURES else outputs[branch.input]
            if branch.op == cell_config.PYRAMID_POOLING:
                pooled = _pool(inputs, branch.grid_size, options, image_size)
                pooled = slim.conv2d(pooled, _DEPTH, 1, scope=scope)
                output = layers.resize_as(pooled, features)
            elif branch.kernel == (1, 1):
                output = slim.conv2d(inputs, _DEPTH, 1, scope=scope)
            else:
                rate = [side * rate_factor for side in branch.rate]
                output = layers.separable_conv2d(
                    inputs, _DEPTH, kernel_size=branch.kernel, rate=rate, scope=scope
                )
            outputs.append(output)
        context = slim.dropout(
            tf.concat(outputs, axis=3), keep_prob=aspp.KEEP_PROBABILITY, is_training=is_training
        )
        return slim.conv2d(context, _DEPTH, 1, scope="concat_projection")


def _pool(
    inputs: tf.Tensor,
    grid_size: tuple[int, int],
    options: ModelOptions,
    image_size: Sequence[Side],
) -> tf.Tensor:
    """Averages over windows as large as a grid's cells, at every place."""
    if options.image_pooling_crop_size is None and grid_size == (1, 1):
        return tf.reduce_mean(inputs, axis=[1, 2], keepdims=True)
    crop_size = options.image_pooling_crop_size or image_size
    if not all(isinstance(side, int) for side in crop_size):
        raise ValueError(
            "the dense prediction cell pools over parts of the image, so it needs images of "
            "one fixed size, or an image_pooling_crop_size."
        )
    kernel = [
        layers.scale_dimension(side, 1.0 / (options.output_stride * cells))
        for side, cells in zip(crop_size, grid_size, strict=True)
    ]
    return aspp.average(inputs, kernel, stride=(1, 1), crop_size=crop_size)
