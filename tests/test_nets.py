"""All encoders: what the registry says of them is true, and atrous features are dense features."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import registry
from nets.batch_norm import BatchNormMode

OPTIONS = {"multi_grid": None, "depth_multiplier": 1.0, "divisible_by": None}
# The large ones are built, but run only where that is quick.
QUICK = ("xception_tiny", "mobilenet_v2")


def extract(images, name, output_stride, **options):
    return registry.extract_features(
        images,
        name,
        output_stride=output_stride,
        weight_decay=0.0,
        batch_norm=BatchNormMode(),
        options={**OPTIONS, **options},
    )


def random_weights(session):
    """Weights that keep activations alive through many layers; batch norm far from identity."""
    for index, variable in enumerate(tf.global_variables()):
        random = np.random.RandomState(index)
        shape = variable.shape.as_list()
        kind = variable.op.name.rsplit("/", 1)[-1]
        if kind in ("gamma", "moving_variance"):
            value = random.uniform(0.8, 1.2, shape)
        elif kind in ("beta", "moving_mean"):
            value = random.normal(0, 0.1, shape)
        else:
            fan_in = np.prod(shape[:2]) if kind == "depthwise_weights" else np.prod(shape[:-1])
            value = random.normal(0, np.sqrt(1.5 / fan_in), shape)
        variable.load(value, session)


@pytest.mark.parametrize("output_stride", [8, 16, 32])
@pytest.mark.parametrize("name", registry.ENCODERS)
def test_features_and_stages_have_their_strides(name, output_stride):
    side = 2 * 32 + 1
    features, end_points = extract(tf.zeros([1, side, side, 3]), name, output_stride)
    assert features.shape.as_list()[1:3] == [(side - 1) // output_stride + 1] * 2
    for stage in registry.encoder(name).stages:
        stride = min(stage.stride, output_stride)
        height, width = end_points[stage.end_point].shape.as_list()[1:3]
        assert height == width == (side - 1) // stride + 1, stage
    scope = registry.encoder(name).scope
    assert all(v.op.name.startswith(f"{scope}/") for v in tf.global_variables())


@pytest.mark.parametrize("name", QUICK)
def test_atrous_features_subsampled_are_the_dense_network_s(name):
    """Features at stride 8 hold those at stride 32 at every fourth place, away from borders."""
    images = np.random.RandomState(7).uniform(0, 255, [1, 257, 257, 3])
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        dense, _ = extract(tf.constant(images, tf.float32), name, 32)
        atrous, _ = extract(tf.constant(images, tf.float32), name, 8)
    with tf.Session() as session:
        random_weights(session)
        dense, atrous = session.run([dense, atrous])
    assert np.abs(dense).max() > 0.1
    np.testing.assert_allclose(atrous[:, ::4, ::4], dense, rtol=1e-3, atol=1e-4)


def test_multi_grid_changes_the_last_block_only():
    images = tf.constant(np.random.RandomState(7).uniform(0, 255, [1, 65, 65, 3]), tf.float32)
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        plain, plain_points = extract(images, "xception_tiny", 16)
        ones, _ = extract(images, "xception_tiny", 16, multi_grid=(1, 1, 1))
        grid, grid_points = extract(images, "xception_tiny", 16, multi_grid=(1, 2, 4))
    before_last = "exit_flow/block1/unit_1/xception_module/separable_conv2_pointwise"
    with tf.Session() as session:
        random_weights(session)
        plain, ones, grid, first, second = session.run(
            [plain, ones, grid, plain_points[before_last], grid_points[before_last]]
        )
    np.testing.assert_array_equal(plain, ones)
    np.testing.assert_array_equal(first, second)
    assert np.abs(plain - grid).max() > 1e-2


@pytest.mark.parametrize(
    ("depth_multiplier", "divisible_by", "depths"),
    [
        (1.0, None, [32, 16, 320]),
        (0.5, None, [16, 8, 160]),
        (0.35, None, [11, 6, 112]),
        (0.35, 8, [16, 8, 112]),
        (1.4, 8, [48, 24, 448]),
    ],
)
def test_mobilenet_v2_channels(depth_multiplier, divisible_by, depths):
    features, end_points = extract(
        tf.zeros([1, 33, 33, 3]),
        "mobilenet_v2",
        16,
        depth_multiplier=depth_multiplier,
        divisible_by=divisible_by,
    )
    root = next(v for v in tf.global_variables() if v.op.name == "MobilenetV2/Conv/weights")
    assert [root.shape[-1], end_points["layer_2"].shape[-1], features.shape[-1]] == depths


def test_padding_colour_is_normalised_to_zero():
    for encoder in registry.ENCODERS.values():
        pixel = tf.constant(encoder.mean_pixel, tf.float32)
        with tf.Session() as session:
            np.testing.assert_allclose(session.run(encoder.normalize(pixel)), 0.0, atol=1e-6)


def test_unknown_encoder_names_the_known_ones():
    with pytest.raises(ValueError, match=r"model_variant is 'xception65'; expected one of xcep"):
        registry.encoder("xception65")


def test_decoder_stride_that_an_encoder_lacks_is_refused():
    with pytest.raises(ValueError, match="decoder_output_stride is 2, but xception_65 has"):
        registry.encoder("xception_65").stage(2)
