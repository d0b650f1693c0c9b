"""An encoder that is built at once, for tests of what stands behind one."""

import functools
from collections.abc import Mapping

import numpy as np
import tensorflow.compat.v1 as tf

from nets import registry


def extract_features(
    images: tf.Tensor, name: str, *, output_stride: int, options: Mapping[str, object], **_
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Takes the place of `registry.extract_features`: features of single pixels, without variables.

    Args:
      images, name, output_stride, options: as there; features and end points are shaped alike.
    """
    record = registry.encoder(name)
    features_at = functools.partial(_features, images / 127.5 - 1.0)
    end_points = {
        stage.end_point: features_at(min(stage.stride, output_stride), stage.depth)
        for stage in record.stages
    }
    return features_at(output_stride, record.depth), end_points


def _features(images: tf.Tensor, stride: int, depth: int) -> tf.Tensor:
    weights = np.random.RandomState(stride).normal(0, 0.1, [3, depth]).astype(np.float32)
    return tf.nn.relu(tf.tensordot(images[:, ::stride, ::stride], weights, 1))
