"""Encoders that no reference output exists for, against NumPy networks written from the papers."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import registry, vgg
from nets.batch_norm import BatchNormMode
from reference import comparison
from tests.support import numpy_layers as layers
from tests.support import sessions
from tests.support.numpy_layers import hard_sigmoid, hard_swish, relu, relu6

OPTIONS = {
    "multi_grid": None,
    "depth_multiplier": 1.0,
    "divisible_by": None,
    "use_bounded_activation": False,
}


def run(name, size, output_stride, gain=1.0, **options):
    """Runs an encoder with every gamma times `gain`.

    Returns its input, its features, the end points for decoders, and its variables.
    """
    images = np.random.RandomState(3).uniform(0, 255, [1, *size, 3])
    features, end_points = registry.extract_features(
        tf.constant(images, tf.float32),
        name,
        output_stride=output_stride,
        weight_decay=0.0,
        batch_norm=BatchNormMode(),
        options={**OPTIONS, **options},
    )
    stages = registry.encoder(name).stages
    taps = [end_points[stage.end_point] for stage in stages if stage.stride > 2]
    with sessions.unoptimized() as session:
        comparison.fill_variables(session)
        gammas = [v for v in tf.global_variables() if v.op.name.endswith("gamma")]
        session.run([tf.assign(gamma, gain * gamma) for gamma in gammas])
        features, taps = session.run([features, taps])
        variables = {v.op.name: v for v in tf.global_variables()}
        variables = session.run(variables)
    scope = registry.encoder(name).scope + "/"
    variables = {key.removeprefix(scope): value.astype(float) for key, value in variables.items()}
    return images, features, taps, variables


def assert_close(actual, expected, atol=2e-5):
    assert actual.shape == expected.shape
    largest = np.abs(expected).max()
    assert largest > 1e-3
    np.testing.assert_allclose(actual / largest, expected / largest, atol=atol)


def resnet_v1_18(images, net, multi_grid, output_stride):
    is_beta = "conv1_1/weights" in net.variables
    if is_beta:
        outputs = images * (2 / 255) - 1
        outputs = net.conv(layers.pad(outputs, 3), "conv1_1", relu, stride=2, padding="VALID")
        outputs = net.conv(net.conv(outputs, "conv1_2", relu), "conv1_3", relu)
    else:
        outputs = layers.pad(images - np.array([123.15, 115.90, 103.06]), 7)
        outputs = net.conv(outputs, "conv1", relu, stride=2, padding="VALID")
    outputs = layers.max_pool_same(outputs, 3, 2)
    taps, current_stride, rate = [], 4, 1
    for block in (1, 2, 3, 4):
        for unit in (1, 2):
            scope = f"block{block}/unit_{unit}/lite_bottleneck_v1"
            stride = 2 if unit == 2 and block < 4 else 1
            unit_rate = rate * (multi_grid[unit - 1] if block == 4 else 1)
            if current_stride == output_stride:
                rate, stride = rate * stride, 1
            else:
                current_stride *= stride
            shortcut = outputs[:, ::stride, ::stride]
            if f"{scope}/shortcut/weights" in net.variables:
                shortcut = net.conv(outputs, f"{scope}/shortcut", stride=stride)
            residual = net.conv(outputs, f"{scope}/conv1", relu, rate=unit_rate)
            if stride == 1:
                residual = net.conv(residual, f"{scope}/conv2", rate=unit_rate)
            else:
                residual = net.conv(
                    layers.pad(residual, 3), f"{scope}/conv2", stride=2, padding="VALID"
                )
            if unit == 1 and block < 4:
                taps.append(residual)
            outputs = relu(shortcut + residual)
    return outputs, taps


@pytest.mark.parametrize("name", ["resnet_v1_18", "resnet_v1_18_beta"])
@pytest.mark.parametrize(("output_stride", "multi_grid"), [(8, (1, 2)), (32, None)])
def test_resnet_v1_18(name, output_stride, multi_grid):
    images, features, taps, variables = run(name, (70, 53), output_stride, multi_grid=multi_grid)
    net = layers.Layers(variables, epsilon=1e-5)
    expected, expected_taps = resnet_v1_18(images, net, multi_grid or (1, 1), output_stride)
    assert_close(features, expected)
    for tap, expected_tap in zip(taps, expected_taps, strict=True):
        assert_close(tap, expected_tap)


# Expansion channels, output channels, kernel, stride, squeeze-and-excite, hard swish: tables 1 and
# 2 of arXiv 1905.02244. The last three rows with half the channels are section 6.4's.
LARGE = (
    (16, 16, 3, 1, False, False),
    (64, 24, 3, 2, False, False),
    (72, 24, 3, 1, False, False),
    (72, 40, 5, 2, True, False),
    (120, 40, 5, 1, True, False),
    (120, 40, 5, 1, True, False),
    (240, 80, 3, 2, False, True),
    (200, 80, 3, 1, False, True),
    (184, 80, 3, 1, False, True),
    (184, 80, 3, 1, False, True),
    (480, 112, 3, 1, True, True),
    (672, 112, 3, 1, True, True),
    (672, 160, 5, 2, True, True),
    (960, 160, 5, 1, True, True),
    (960, 160, 5, 1, True, True),
)
LARGE_SEG = (
    *LARGE[:-3],
    (336, 80, 5, 2, True, True),
    (480, 80, 5, 1, True, True),
    (480, 80, 5, 1, True, True),
)
SMALL = (
    (16, 16, 3, 2, True, False),
    (72, 24, 3, 2, False, False),
    (88, 24, 3, 1, False, False),
    (96, 40, 5, 2, True, True),
    (240, 40, 5, 1, True, True),
    (240, 40, 5, 1, True, True),
    (120, 48, 5, 1, True, True),
    (144, 48, 5, 1, True, True),
    (288, 96, 5, 2, True, True),
    (576, 96, 5, 1, True, True),
    (576, 96, 5, 1, True, True),
)
SMALL_SEG = (
    *SMALL[:-3],
    (144, 48, 5, 2, True, True),
    (288, 48, 5, 1, True, True),
    (288, 48, 5, 1, True, True),
)


def mobilenet_v3(images, net, table, output_stride):
    outputs = net.conv(images * (2 / 255) - 1, "Conv", hard_swish, stride=2)
    expanded, current_stride, rate = [], 2, 1
    for number, (inner, depth, kernel, stride, has_se, is_swish) in enumerate(table):
        scope = f"expanded_conv_{number}" if number else "expanded_conv"
        activation = hard_swish if is_swish else relu
        unit_rate = 1
        if current_stride == output_stride:
            unit_rate, rate, stride = rate, rate * stride, 1
        current_stride *= stride
        inputs = outputs
        if inner != inputs.shape[-1]:
            outputs = net.conv(outputs, f"{scope}/expand", activation)
        assert net.variables[f"{scope}/depthwise/depthwise_weights"].shape[:3] == (
            kernel,
            kernel,
            inner,
        )
        outputs = net.depthwise(
            outputs, f"{scope}/depthwise", activation, stride=stride, rate=unit_rate
        )
        expanded.append(outputs)
        if has_se:
            squeezed = net.conv(layers.global_mean(outputs), f"{scope}/squeeze_excite/Conv", relu)
            outputs = outputs * net.conv(squeezed, f"{scope}/squeeze_excite/Conv_1", hard_sigmoid)
        outputs = net.conv(outputs, f"{scope}/project")
        assert outputs.shape[-1] == depth
        if stride == 1 and inputs.shape[-1] == depth:
            outputs = outputs + inputs
    return net.conv(outputs, "Conv_1", hard_swish), expanded


@pytest.mark.parametrize(
    ("name", "table", "taps_at", "depth"),
    [
        ("mobilenet_v3_large", LARGE, (2, 5, 11), 960),
        ("mobilenet_v3_small", SMALL, (0, 2, 7), 576),
        ("mobilenet_v3_large_seg", LARGE_SEG, (2, 5, 11), 480),
        ("mobilenet_v3_small_seg", SMALL_SEG, (0, 2, 7), 288),
    ],
)
@pytest.mark.parametrize("output_stride", [8, 32])
def test_mobilenet_v3(name, table, taps_at, depth, output_stride):
    images, features, taps, variables = run(name, (66, 49), output_stride)
    net = layers.Layers(variables, epsilon=1e-3)
    expected, expanded = mobilenet_v3(images, net, table, output_stride)
    assert features.shape[-1] == depth
    assert_close(features, expected)
    for tap, number in zip(taps, taps_at, strict=True):
        assert_close(tap, expanded[number])


def xception_tiny(images, net, is_bounded, multi_grid):
    """At output stride 16."""
    activation = relu6 if is_bounded else relu
    clip = (lambda x: np.clip(x, -6, 6)) if is_bounded else (lambda x: x)

    def strided(layer, inputs, scope, stride, rate, act):
        if stride == 1 or is_bounded:
            return layer(inputs, scope, act, stride=stride, rate=rate)
        return layer(layers.pad(inputs, 3), scope, act, stride=stride, padding="VALID")

    outputs = layers.pad(images * (2 / 255) - 1, 3)
    outputs = net.conv(outputs, "entry_flow/conv1_1", activation, stride=2, padding="VALID")
    outputs = net.conv(outputs, "entry_flow/conv1_2", activation)
    modules = [(f"entry_flow/block{block}/unit_1", 2, "conv") for block in (1, 2, 3)]
    modules += [(f"middle_flow/block1/unit_{unit}", 1, "sum") for unit in (1, 2)]
    modules += [("exit_flow/block1/unit_1", 1, "conv"), ("exit_flow/block2/unit_1", 1, "none")]
    for module, stride, skip in modules:
        # The stride of exit_flow/block1 has become a rate of everything behind it.
        rates = [2 * grid for grid in multi_grid] if skip == "none" else (1, 1, 1)
        net_out = outputs
        for index in (1, 2, 3):
            scope = f"{module}/xception_module/separable_conv{index}"
            inside = activation if skip == "none" else clip
            if skip != "none":
                net_out = activation(net_out)
            net_out = strided(
                net.depthwise,
                net_out,
                f"{scope}_depthwise",
                stride if index == 3 else 1,
                rates[index - 1],
                inside,
            )
            net_out = net.conv(net_out, f"{scope}_pointwise", inside)
        if skip == "conv":
            shortcut = net.conv(outputs, f"{module}/xception_module/shortcut", stride=stride)
            net_out = clip(net_out) + clip(shortcut)
        elif skip == "sum":
            net_out = clip(net_out) + clip(outputs)
        outputs = relu6(net_out) if is_bounded and skip != "none" else net_out
    return outputs


@pytest.mark.parametrize(
    ("is_bounded", "multi_grid"), [(True, None), (True, (1, 2, 4)), (False, (1, 2, 1))]
)
def test_xception_with_bounded_activations_and_multi_grid(is_bounded, multi_grid):
    images, features, _, variables = run(
        "xception_tiny",
        (66, 49),
        16,
        gain=1.5,  # Enough to reach the bounds; at 3 float32's rounding decides the result.
        use_bounded_activation=is_bounded,
        multi_grid=multi_grid,
    )
    net = layers.Layers(variables, epsilon=1e-3)
    grid = multi_grid or (1, 1, 1)
    assert_close(features, xception_tiny(images, net, is_bounded, grid), atol=2e-4)
    # The bounds matter to this value.
    other = xception_tiny(images, net, not is_bounded, grid)
    assert np.abs(features - other).max() > 0.1 * np.abs(other).max()


def vgg_16(images, net, pool):
    """At output stride 32; for even sides, as the pooling of `numpy_layers` drops an odd one."""
    end_points, outputs = {}, images - np.array([123.68, 116.78, 103.94])
    for block, length in enumerate((2, 2, 3, 3, 3), start=1):
        for number in range(1, length + 1):
            name = f"conv{block}_{number}"
            end_points[name] = outputs = net.conv(outputs, f"conv{block}/{name}", relu)
        outputs = pool(outputs)
    return outputs, end_points


POOLS = {
    "max": lambda inputs: layers.max_pool_same(inputs, 2, 2),
    "average": lambda inputs: layers.average_pool(inputs, (2, 2), (2, 2)),
}


@pytest.mark.parametrize("pool", POOLS)
def test_vgg_16(pool):
    images = np.random.RandomState(3).uniform(0, 255, [1, 64, 96, 3])
    normalized = registry.encoder("vgg_16").normalize(tf.constant(images, tf.float32))
    features, end_points = vgg.build(
        normalized, "vgg_16", output_stride=32, weight_decay=0.0, pool=pool
    )
    with sessions.unoptimized() as session:
        comparison.fill_variables(session)
        features, end_points = session.run([features, end_points])
        variables = session.run({v.op.name: v for v in tf.global_variables()})
    variables = {
        key.removeprefix("vgg_16/"): value.astype(float) for key, value in variables.items()
    }
    net = layers.Layers(variables, epsilon=None)
    expected, expected_end_points = vgg_16(images, net, POOLS[pool])
    assert_close(features, expected)
    for name, value in expected_end_points.items():
        assert_close(end_points[name], value)
