"""The decoder: what joins the context features, and where it reads the Laplacian channel."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tf_slim as slim

from deeplab.network import decoder, model
from nets import layers, registry
from tests.deeplab.network.test_model import TINY, images, replace
from tests.support import sessions


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
    with sessions.unoptimized() as session:
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
    with sessions.unoptimized() as session:
        session.run(tf.global_variables_initializer())
        whole, part = session.run([whole, part])
    np.testing.assert_array_equal(whole, part)
    assert decoder.laplacian_stride(TINY, (67, 49)) == 1
    assert decoder.laplacian_stride(replace(image_pyramid=(0.5, 1.0)), (65, 49)) == 1


def kernels(options, laplacian=None) -> dict[str, list[int]]:
    """Builds a decoder alone, for an image of 33x49; returns the shapes of its kernels by layer."""
    features = tf.zeros([1, 3, 4, 8])
    end_points = {
        stage.end_point: tf.zeros([1, 32 // stage.stride + 1, 48 // stage.stride + 1, stage.depth])
        for stage in registry.encoder(options.model_variant).stages
    }
    outputs = decoder.build(features, end_points, laplacian, options, (33, 49))
    stride = options.decoder_output_stride[-1]
    assert outputs.shape.as_list() == [
        1,
        32 // stride + 1,
        48 // stride + 1,
        options.decoder_filters,
    ]
    return {
        variable.op.name.split("/")[1]: variable.shape.as_list()
        for variable in tf.global_variables()
        if variable.op.name.endswith("weights")
    }


def test_stages_have_the_encoders_depths_and_only_the_last_one_sees_the_laplacian():
    shapes = kernels(replace(decoder_output_stride=(16, 4)), tf.zeros([1, 33, 49, 1]))
    coarse, fine = (registry.encoder(TINY.model_variant).stage(stride).depth for stride in (16, 4))
    assert shapes == {
        "feature_projection0": [1, 1, coarse, 48],
        "decoder_conv0_depthwise": [3, 3, 8 + 48, 1],
        "decoder_conv0_pointwise": [1, 1, 8 + 48, 8],
        "decoder_conv1_depthwise": [3, 3, 8, 1],
        "decoder_conv1_pointwise": [1, 1, 8, 8],
        "feature_projection0_1": [1, 1, fine, 48],
        "decoder_conv0_1_depthwise": [3, 3, 8 + 1 + 48, 1],
        "decoder_conv0_1_pointwise": [1, 1, 8 + 1 + 48, 8],
        "decoder_conv1_1_depthwise": [3, 3, 8, 1],
        "decoder_conv1_1_pointwise": [1, 1, 8, 8],
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"decoder_use_sum_merge": True},
            {
                "feature_projection0": [1, 1, 64, 8],
                "decoder_split_sep_conv0_depthwise": [3, 3, 8, 1],
                "decoder_split_sep_conv0_pointwise": [1, 1, 8, 8],
            },
        ),
        (
            {"decoder_use_sum_merge": True, "decoder_use_separable_conv": False},
            {"feature_projection0": [1, 1, 64, 8], "decoder_conv0": [3, 3, 8, 8]},
        ),
        (
            {
                "decoder_use_sum_merge": True,
                "decoder_output_is_logits": True,
                "decoder_filters": 3,
            },
            {"feature_projection0": [1, 1, 64, 3], "decoder_conv0": [1, 1, 8, 3]},
        ),
    ],
)
def test_a_sum_has_the_channels_of_the_output(options, expected):
    assert kernels(replace(decoder_use_gradient=False, **options)) == expected


def test_logits_have_biases_and_no_normalizer():
    options = replace(
        decoder_use_gradient=False,
        decoder_use_sum_merge=True,
        decoder_output_is_logits=True,
        decoder_filters=3,
    )
    with slim.arg_scope([slim.conv2d], normalizer_fn=lambda net: 1 / 0):
        kernels(options)
    names = {variable.op.name for variable in tf.global_variables()}
    assert {"decoder/feature_projection0/biases", "decoder/decoder_conv0/biases"} < names
