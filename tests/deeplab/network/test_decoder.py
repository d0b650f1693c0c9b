"""The decoder: what joins the context features, and where it reads the Laplacian channel."""

import numpy as np
import tensorflow.compat.v1 as tf

from deeplab.network import decoder, model
from nets import layers
from tests.deeplab.network.test_model import TINY, images, replace


def test_decoder_input_is_features_laplacian_projection():
    """The order of channels, seen through a first convolution that lets one through at a time."""
    features = images()
    model.multi_scale_logits(features, TINY)
    depthwise = next(
        op
        for op in tf.get_default_graph().get_operations()
        if op.name.endswith("decoder_conv0_depthwise/depthwise")
        or op.name.endswith("decoder_conv0_depthwise/separable_conv2d/depthwise")
    )
    joined = depthwise.inputs[0]
    size = [layers.scale_dimension(65, 1 / 4), layers.scale_dimension(49, 1 / 4)]
    assert joined.shape.as_list() == [2, *size, 8 + 1 + 48]
    # Corners aligned at stride 4: 65 -> 17 and 49 -> 13 take every fourth pixel as it is.
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        joined, laplacian = session.run([joined, features["laplacian"]])
    np.testing.assert_allclose(joined[..., 8:9], laplacian[:, ::4, ::4] / 255.0, atol=1e-5)
    assert np.abs(laplacian / 255.0).max() <= 1.0


def test_the_network_reads_the_laplacian_at_the_decoder_s_stride_only():
    features = images()
    stride = decoder.laplacian_stride(TINY, (65, 49))
    assert stride == 4
    sparse = {**features, "laplacian": features["laplacian"][:, ::stride, ::stride]}
    whole = model.multi_scale_logits(features, TINY)[model.MERGED_LOGITS]
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        part = model.multi_scale_logits(sparse, TINY)[model.MERGED_LOGITS]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        whole, part = session.run([whole, part])
    np.testing.assert_array_equal(whole, part)
    assert decoder.laplacian_stride(TINY, (67, 49)) == 1
    assert decoder.laplacian_stride(replace(image_pyramid=(0.5, 1.0)), (65, 49)) == 1
