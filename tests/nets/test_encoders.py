"""All encoders: what the registry says of them is true, and atrous features are dense features."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import registry
from nets.batch_norm import BatchNormMode
from tests.support import sessions

OPTIONS = {
    "multi_grid": None,
    "depth_multiplier": 1.0,
    "divisible_by": None,
    "use_bounded_activation": False,
}
LARGE = (
    "xception_41",
    "xception_65",
    "xception_71",
    "resnet_v1_101",
    "resnet_v1_101_beta",
    "resnet_v1_152",
    "densenet161",
    "densenet169",
    "densenet201",
    "densenet264",
    "vgg_19",
)
ENCODERS = [
    pytest.param(name, marks=pytest.mark.slow if name in LARGE else ())
    for name in registry.ENCODERS
]


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
    values = {}
    for index, variable in enumerate(tf.global_variables()):
        random = np.random.default_rng(index)
        shape = variable.shape.as_list()
        kind = variable.op.name.rsplit("/", 1)[-1]
        if kind in ("gamma", "moving_variance"):
            value = random.uniform(0.8, 1.2, shape)
        elif variable.op.name.endswith("squeeze_excite/Conv/weights"):
            # The mean over an image depends on the features' stride; gates shall not, here.
            value = np.zeros(shape)
        else:
            value = random.standard_normal(shape, dtype=np.float32)
            if kind in ("beta", "moving_mean", "biases"):
                value *= 0.1
            else:
                fan_in = np.prod(shape[:2]) if kind == "depthwise_weights" else np.prod(shape[:-1])
                value *= np.sqrt(1.5 / fan_in)
        values[variable.initializer.inputs[1]] = value
    session.run([v.initializer for v in tf.global_variables()], values)


class TestEncoder:
    """What holds for every encoder of the registry."""

    @pytest.mark.parametrize("name", ENCODERS)
    def test_strides_and_depths_are_the_registry_s_and_atrous_features_are_dense_ones(self, name):
        """Features at stride 8 hold those of a coarser stride at every second or fourth place."""
        encoder = registry.encoder(name)
        assert [stage.stride for stage in encoder.stages] == [2, 4, 8, 16]
        # In mobilenet_v3_small_seg the unit that halves the resolution last keeps its channels, so
        # that research/slim gives it a shortcut once its stride is 1: another function at 32.
        coarse = 16 if name == "mobilenet_v3_small_seg" else 32
        height, width = 2 * 32 + 1, 3 * 32 + 1
        images = np.random.RandomState(7).uniform(0, 255, [1, height, width, 3])
        features = {}
        with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
            for output_stride in (8, 16, 32):
                features[output_stride], end_points = extract(
                    tf.constant(images, tf.float32), name, output_stride
                )
                for tensor, stride, depth in (
                    (features[output_stride], output_stride, encoder.depth),
                    *(
                        (end_points[stage.end_point], stage.stride, stage.depth)
                        for stage in encoder.stages
                    ),
                ):
                    stride = min(stride, output_stride)
                    sides = [(side - 1) // stride + 1 for side in (height, width)]
                    assert tensor.shape.as_list() == [1, *sides, depth], (tensor, output_stride)
        names = [variable.op.name for variable in tf.global_variables()]
        assert all(name.startswith(f"{encoder.scope}/") for name in names)
        with sessions.unoptimized() as session:
            random_weights(session)
            dense, atrous = session.run([features[coarse], features[8]])
        step = coarse // 8
        largest = np.abs(dense).max()
        assert largest > 0.1
        np.testing.assert_allclose(atrous[:, ::step, ::step] / largest, dense / largest, atol=1e-5)

    @pytest.mark.parametrize("name", ENCODERS)
    def test_padding_color_is_normalized_to_zero(self, name):
        encoder = registry.encoder(name)
        pixel = tf.constant(encoder.mean_pixel, tf.float32)
        with sessions.unoptimized() as session:
            zero, one_more = session.run([encoder.normalize(pixel), encoder.normalize(pixel + 1.0)])
        np.testing.assert_allclose(zero, 0.0, atol=1e-6)
        np.testing.assert_allclose(one_more, encoder.scale, rtol=1e-4)


def test_multi_grid_changes_the_last_block_only():
    images = tf.constant(np.random.RandomState(7).uniform(0, 255, [1, 65, 65, 3]), tf.float32)
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        plain, plain_points = extract(images, "xception_tiny", 16)
        ones, _ = extract(images, "xception_tiny", 16, multi_grid=(1, 1, 1))
        grid, grid_points = extract(images, "xception_tiny", 16, multi_grid=(1, 2, 4))
    before_last = "exit_flow/block1/unit_1/xception_module/separable_conv2_pointwise"
    with sessions.unoptimized() as session:
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


def test_unknown_encoder_names_the_known_ones():
    with pytest.raises(ValueError, match=r"model_variant is 'xception65'; expected one of xcep"):
        registry.encoder("xception65")


def test_stride_that_an_encoder_lacks_is_refused():
    with pytest.raises(ValueError, match="xception_65 has feature maps at strides 2, 4, 8, 16"):
        registry.encoder("xception_65").stage(1)
