"""Sessions that run networks forward, with weights in variables: evaluation, features.

With oneDNN, TensorFlow makes one operation of a convolution and the batch norm behind it. On CPUs
without AVX-512 oneDNN normalizes in that operation value by value where it sees one image alone: it
took 0.9 s that takes 0.08 s without. Where weights are constants, as in an export, batch norm is in
them, and where gradients of a layer are computed, what it normalizes has other readers: neither is
affected. A training step is affected where a clone has one image and some layers are frozen.
"""

import os

import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

from common import processor


def open_session(graph: tf.Graph | None = None) -> tf.Session:
    """Opens a session on a graph, by default the current one, that leaves room on a GPU."""
    config = tf.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    if is_fusion_slow():
        config.graph_options.rewrite_options.remapping = RewriterConfig.OFF
    return tf.Session(graph=graph, config=config)


def is_fusion_slow() -> bool:
    """Whether a convolution fused with batch norm is slow here for an image alone."""
    # TensorFlow turns oneDNN on by itself on CPUs with AVX-512 only.
    has_avx512 = "avx512f" in processor.facts().get("flags", "").split()
    return os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "1" and not has_avx512
