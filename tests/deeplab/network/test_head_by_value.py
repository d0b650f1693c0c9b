"""ASPP, dense prediction cell, decoder and logits, against NumPy written from research/deeplab.

They run on the features of an encoder that takes no time, whose own values come from the graph.
"""

import dataclasses

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.network import model
from deeplab.options import ModelOptions
from nets import registry
from reference import comparison
from tests.support import numpy_layers as layers
from tests.support import plain_encoder, sessions
from tests.support.numpy_layers import hard_sigmoid, relu, relu6, sigmoid

HEIGHT, WIDTH = 66, 49
BASE = ModelOptions(
    num_classes=3,
    model_variant="xception_tiny",
    atrous_rates=(1, 2),
    aspp_convs_filters=5,
    decoder_filters=4,
)
# So that 6 is reached, ASPP's layers are made loud.
GAIN = 8.0


@pytest.fixture(autouse=True)
def _plain_encoder(monkeypatch):
    monkeypatch.setattr(registry, "extract_features", plain_encoder.extract_features)


def run(options):
    """Returns the logits, the encoder's features and taps, and layers with the head's variables."""
    images = np.random.RandomState(3).uniform(0, 255, [2, HEIGHT, WIDTH, 3])
    images = tf.constant(images, tf.float32)
    logits = model.multi_scale_logits({"image": images}, options)[model.MERGED_LOGITS]
    features, end_points = plain_encoder.extract_features(
        images,
        options.model_variant,
        output_stride=options.output_stride,
        options=dataclasses.asdict(options),
    )
    encoder = registry.encoder(options.model_variant)
    taps = {stage.stride: end_points[stage.end_point] for stage in encoder.stages}
    with sessions.unoptimized() as session:
        comparison.fill_variables(session)
        gammas = [v for v in tf.global_variables() if v.op.name.endswith("gamma")]
        session.run([tf.assign(gamma, GAIN * gamma) for gamma in gammas])
        logits, features, taps = session.run([logits, features, taps])
        variables = session.run({v.op.name: v for v in tf.global_variables()})
    head = {name: value.astype(float) for name, value in variables.items()}
    return logits, features, taps, layers.Layers(head, epsilon=1e-5)


def change(**changes):
    return dataclasses.replace(BASE, **changes)


def check(logits, expected):
    assert logits.shape == expected.shape
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(logits, expected, atol=1e-4 * np.abs(expected).max())


def nearest(size, source):
    """Indices that a nearest neighbor resize with aligned corners takes; halves round up."""
    return np.floor(np.arange(size) * (source - 1) / (size - 1) + 0.5).astype(int)


def side(size, stride):
    return (size - 1) // stride + 1


def aspp(net, features, options, pooled=None):
    """ASPP with its options, branch by branch."""
    act = relu6 if options.use_bounded_activation else relu
    height, width = features.shape[1:3]
    pooled = layers.global_mean(features) if pooled is None else pooled
    gate = None
    branches = []
    if options.aspp_with_squeeze_and_excitation:
        gate = net.conv(
            pooled, "image_pooling", hard_sigmoid if options.image_se_uses_qsigmoid else sigmoid
        )
        gate = layers.resize(gate, height, width)
    elif options.add_image_level_feature:
        branches.append(layers.resize(net.conv(pooled, "image_pooling", relu), height, width))
    branches.append(net.conv(features, "aspp0", act))
    for number, rate in enumerate(options.atrous_rates or (), start=1):
        if options.aspp_with_separable_conv:
            branches.append(net.separable(features, f"aspp{number}", act, rate=rate))
        else:
            branches.append(net.conv(features, f"aspp{number}", act, rate=rate))
    context = np.concatenate(branches, axis=3)
    if options.aspp_with_concat_projection:
        context = net.conv(context, "concat_projection", act)
    return context if gate is None else context * gate


@pytest.mark.parametrize(
    "options",
    [
        change(),
        change(aspp_with_separable_conv=False),
        change(aspp_with_concat_projection=False, add_image_level_feature=False),
        change(aspp_with_squeeze_and_excitation=True),
        change(
            aspp_with_squeeze_and_excitation=True,
            image_se_uses_qsigmoid=True,
            aspp_with_concat_projection=False,
            atrous_rates=None,
        ),
        change(use_bounded_activation=True),
    ],
    ids=["separable", "full", "no_projection", "squeeze", "qsigmoid", "bounded"],
)
def test_aspp(options):
    logits, features, _, net = run(options)
    expected = net.conv(aspp(net, features, options), "logits/semantic")
    check(logits, expected)
    if options.use_bounded_activation:
        unbounded = aspp(net, features, dataclasses.replace(options, use_bounded_activation=False))
        assert np.abs(net.conv(unbounded, "logits/semantic") - expected).max() > 0.1


def test_image_pooling_with_crop_and_stride():
    options = change(image_pooling_crop_size=(33, 33), image_pooling_stride=(2, 1))
    logits, features, _, net = run(options)
    assert features.shape[1:3] == (5, 4)
    pooled = layers.average_pool(features, (3, 3), (2, 1))
    assert pooled.shape[1:3] == (2, 2)
    check(logits, net.conv(aspp(net, features, options, pooled), "logits/semantic"))


def test_image_pooling_follows_the_scale_of_the_image():
    """A crop of 33 is one of 17 in an image of half the size."""
    options = change(image_pooling_crop_size=(33, 33), image_pyramid=(0.5,), output_stride=8)
    logits, _, _, net = run(options)
    scaled = change(image_pooling_crop_size=(17, 17), output_stride=8)
    images = np.random.RandomState(3).uniform(0, 255, [2, HEIGHT, WIDTH, 3])
    half = layers.resize(images, 33, 25)
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        tensor = model.multi_scale_logits({"image": tf.constant(half, tf.float32)}, scaled)
        comparison.fill_variables(session)
        head = [v for v in tf.global_variables() if v.op.name in net.variables]
        session.run([tf.assign(v, net.variables[v.op.name].astype(np.float32)) for v in head])
        expected = session.run(tensor[model.MERGED_LOGITS])
    check(logits, layers.resize(expected, side(HEIGHT, 8), side(WIDTH, 8)))


def decoder(net, context, taps, options):
    """The decoder with its options, stage by stage."""
    act = relu6 if options.use_bounded_activation else relu
    if options.decoder_output_is_logits:
        act = None
    is_separable = options.decoder_use_separable_conv and not options.decoder_output_is_logits
    for stage, stride in enumerate(options.decoder_output_stride):
        suffix = f"_{stage}" if stage else ""
        size = side(HEIGHT, stride), side(WIDTH, stride)
        skip = net.conv(taps[stride], f"decoder/feature_projection0{suffix}", act)
        skip, context = (layers.resize(each, *size) for each in (skip, context))
        if options.decoder_use_sum_merge:
            if is_separable:
                context = net.separable(context, f"decoder/decoder_split_sep_conv0{suffix}", act)
            else:
                context = net.conv(context, f"decoder/decoder_conv0{suffix}", act)
            context = context + skip
        else:
            context = np.concatenate([context, skip], axis=3)
            for number in (0, 1):
                if is_separable:
                    scope = f"decoder/decoder_conv{number}{suffix}"
                    context = net.separable(context, scope, act)
                else:
                    scope = f"decoder/decoder_conv0{suffix}/decoder_conv0{suffix}_{number + 1}"
                    context = net.conv(context, scope, act)
    return context


@pytest.mark.parametrize(
    "options",
    [
        change(decoder_output_stride=(4,)),
        change(decoder_output_stride=(8, 4), decoder_use_separable_conv=False),
        change(decoder_output_stride=(16, 8, 4)),
        change(decoder_output_stride=(4,), decoder_use_sum_merge=True),
        change(
            decoder_output_stride=(8, 4),
            decoder_use_sum_merge=True,
            decoder_use_separable_conv=False,
        ),
        change(
            decoder_output_stride=(8,),
            decoder_use_sum_merge=True,
            decoder_output_is_logits=True,
            decoder_filters=3,
        ),
        change(decoder_output_stride=(4,), decoder_output_is_logits=True, decoder_filters=3),
        change(decoder_output_stride=(4,), use_bounded_activation=True),
    ],
    ids=["concat", "full", "three", "sum", "sum_full", "sum_logits", "concat_logits", "bounded"],
)
def test_decoder(options):
    logits, features, taps, net = run(options)
    expected = decoder(net, aspp(net, features, options), taps, options)
    if options.decoder_output_is_logits:
        assert not any(name.startswith("logits") for name in net.variables)
    else:
        expected = net.conv(expected, "logits/semantic")
    check(logits, expected)


def test_head_of_deeplab_v2():
    """Without ASPP the logits are the sum of one convolution at each rate."""
    options = change(aspp_with_batch_norm=False, logits_kernel_size=3, decoder_output_stride=(8,))
    logits, features, taps, net = run(options)
    refined = decoder(net, features, taps, options)
    expected = net.conv(refined, "logits/semantic", rate=1)
    expected = expected + net.conv(refined, "logits/semantic_1", rate=2)
    check(logits, expected)


# The kinds of branches that a cell may have; rates that differ in the two directions.
CELL = (
    {"op": "conv", "kernel": 1, "input": -1},
    {"op": "conv", "kernel": 3, "rate": (1, 2), "input": 0},
    {"op": "conv", "kernel": (3, 3), "rate": (2, 1), "input": -1},
    {"op": "pyramid_pooling", "grid_size": (1, 1), "input": -1},
    {"op": "pyramid_pooling", "grid_size": (2, 1), "input": 1},
)


@pytest.mark.parametrize("output_stride", [16, 8])
def test_dense_prediction_cell(output_stride):
    options = ModelOptions(
        num_classes=3,
        model_variant="xception_tiny",
        output_stride=output_stride,
        dense_prediction_cell_config=CELL,
    )
    logits, features, _, net = run(options)
    factor = 16 // output_stride
    size = features.shape[1:3]
    scope = "meta_architecture/branch"
    first = net.conv(features, f"{scope}0", relu)
    second = net.separable(first, f"{scope}1", relu, rate=(factor, 2 * factor))
    third = net.separable(features, f"{scope}2", relu, rate=(2 * factor, factor))
    fourth = net.conv(layers.global_mean(features), f"{scope}3", relu)
    # Half of the image's 66 rows, and all of its 49 columns.
    window = int(65 / (output_stride * 2) + 1), int(48 / output_stride + 1)
    fifth = net.conv(layers.average_pool(second, window, (1, 1)), f"{scope}4", relu)
    branches = [first, second, third, *(layers.resize(each, *size) for each in (fourth, fifth))]
    context = net.conv(
        np.concatenate(branches, axis=3), "meta_architecture/concat_projection", relu
    )
    check(logits, net.conv(context, "logits/semantic"))


def test_class_before_the_resize():
    """The class is chosen at the logits' size, and probabilities are resized."""
    options = change(prediction_with_upsampled_logits=False)
    images = np.random.RandomState(3).uniform(0, 255, [1, HEIGHT, WIDTH, 3])
    features = {"image": tf.constant(images, tf.float32)}
    logits = model.multi_scale_logits(features, options)[model.MERGED_LOGITS]
    prediction = model.predict(features, options)
    weights = next(v for v in tf.global_variables() if v.op.name == "logits/semantic/weights")
    spread = tf.assign(weights, tf.random.stateless_normal(weights.shape, [3, 7], stddev=20.0))
    with sessions.unoptimized() as session:
        comparison.fill_variables(session)
        session.run(spread)
        logits, class_ids, probabilities = session.run(
            [logits, prediction.class_ids, prediction.probabilities]
        )
    rows = nearest(HEIGHT, logits.shape[1])
    columns = nearest(WIDTH, logits.shape[2])
    coarse = logits.argmax(axis=3)
    assert len(np.unique(coarse)) > 1
    np.testing.assert_array_equal(class_ids, coarse[:, rows][:, :, columns])
    shares = np.exp(logits) / np.exp(logits).sum(axis=3, keepdims=True)
    np.testing.assert_allclose(probabilities, layers.resize(shares, HEIGHT, WIDTH), atol=1e-5)
