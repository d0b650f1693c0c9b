"""What MobileNets share: strides that become rates, names, shortcuts, and weight decay."""

import dataclasses

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import mobilenet
from nets.batch_norm import BatchNormMode
from nets.mobilenet import Bottleneck, MobileNetSpec
from reference import comparison

SPEC = MobileNetSpec(
    scope="Net",
    root_depth=8,
    activation=tf.nn.relu6,
    bottlenecks=(
        Bottleneck(1, 8, 3, 1, tf.nn.relu6),
        Bottleneck(6, 16, 3, 2, tf.nn.relu6),
        Bottleneck(6, 16, 5, 1, tf.nn.relu, squeeze_excite=True),
        Bottleneck(2.3, 16, 3, 2, tf.nn.relu6),
    ),
    last_depth=40,
)
FUSED = MobileNetSpec(
    scope="Net",
    root_depth=8,
    activation=tf.nn.relu6,
    bottlenecks=(
        Bottleneck(1, 8, 3, 1, tf.nn.relu6, is_fused=True),
        Bottleneck(2, 16, 3, 2, tf.nn.relu6, is_fused=True),
        Bottleneck(2, 16, 5, 1, tf.nn.relu6, is_fused=True),
        Bottleneck(2, 16, 3, 1, tf.nn.relu6, is_fused=True, has_shortcut=False),
        Bottleneck(2, 16, 3, 1, tf.nn.relu6, has_shortcut=False),
    ),
)


def build(output_stride: int = 8, weight_decay: float = 0.0, scaled=int, images=None, spec=SPEC):
    return mobilenet.build(
        tf.zeros([1, 33, 33, 3]) if images is None else images,
        spec,
        scaled,
        output_stride=output_stride,
        weight_decay=weight_decay,
        batch_norm=BatchNormMode(),
    )


def kernels() -> dict[str, list[int]]:
    return {
        variable.op.name: variable.shape.as_list()
        for variable in tf.global_variables()
        if variable.op.name.endswith("weights")
    }


def test_kernels_have_the_names_and_depths_of_research_slim():
    """An expansion of 1 has no convolution; 16 * 2.3 is rounded to 40 and a quarter of 96 to 24."""
    build()
    assert kernels() == {
        "Net/Conv/weights": [3, 3, 3, 8],
        "Net/expanded_conv/depthwise/depthwise_weights": [3, 3, 8, 1],
        "Net/expanded_conv/project/weights": [1, 1, 8, 8],
        "Net/expanded_conv_1/expand/weights": [1, 1, 8, 48],
        "Net/expanded_conv_1/depthwise/depthwise_weights": [3, 3, 48, 1],
        "Net/expanded_conv_1/project/weights": [1, 1, 48, 16],
        "Net/expanded_conv_2/expand/weights": [1, 1, 16, 96],
        "Net/expanded_conv_2/depthwise/depthwise_weights": [5, 5, 96, 1],
        "Net/expanded_conv_2/squeeze_excite/Conv/weights": [1, 1, 96, 24],
        "Net/expanded_conv_2/squeeze_excite/Conv_1/weights": [1, 1, 24, 96],
        "Net/expanded_conv_2/project/weights": [1, 1, 96, 16],
        "Net/expanded_conv_3/expand/weights": [1, 1, 16, 40],
        "Net/expanded_conv_3/depthwise/depthwise_weights": [3, 3, 40, 1],
        "Net/expanded_conv_3/project/weights": [1, 1, 40, 16],
        "Net/Conv_1/weights": [1, 1, 16, 40],
    }


def test_depths_of_root_outputs_and_last_layer_are_scaled():
    features, end_points = build(scaled=lambda depth: depth // 2)
    assert features.shape.as_list() == [1, 5, 5, 20]
    depths = [end_points[f"layer_{layer}"].shape[-1].value for layer in range(2, 6)]
    assert depths == [4, 8, 8, 8]


@pytest.mark.parametrize(
    ("output_stride", "sides"), [(8, [17, 9, 9, 5]), (4, [17, 9, 9, 9]), (2, [17, 17, 17, 17])]
)
def test_from_the_output_stride_on_the_resolution_stays(output_stride, sides):
    features, end_points = build(output_stride)
    for suffix in ("", "/depthwise_output"):
        found = [end_points[f"layer_{layer}{suffix}"].shape[1].value for layer in range(2, 6)]
        assert found == sides
    assert features.shape[1] == sides[-1]


@pytest.mark.parametrize(
    ("bottlenecks", "is_added"),
    [
        (SPEC.bottlenecks, [True, False, False, False]),  # The root has the first one's 8 channels.
        (FUSED.bottlenecks[:2], [True, False]),
        ([Bottleneck(6, 8, 3, 1, tf.nn.relu6, has_shortcut=False)], [False]),
    ],
)
def test_an_input_is_added_where_stride_depth_and_spec_allow_it(bottlenecks, is_added):
    """Without weights a bottleneck gives its input back, or nothing."""
    images = tf.constant(np.random.RandomState(0).uniform(-1, 1, [1, 33, 33, 3]), tf.float32)
    spec = dataclasses.replace(SPEC, bottlenecks=tuple(bottlenecks))
    _, end_points = build(images=images, spec=spec)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for variable in tf.global_variables():
            if variable.op.name.endswith("project/BatchNorm/gamma"):
                variable.load(np.zeros(variable.shape.as_list()), session)
        layers = [end_points[f"layer_{layer}"] for layer in range(2, 2 + len(is_added))]
        assert [np.any(value) for value in session.run(layers)] == is_added


def test_fused_bottlenecks_expand_with_their_kernel():
    """As in research/slim, the one that expands nothing has no kernel at all."""
    _, end_points = build(spec=FUSED)
    assert kernels() == {
        "Net/Conv/weights": [3, 3, 3, 8],
        "Net/expanded_conv/project/weights": [1, 1, 8, 8],
        "Net/expanded_conv_1/expand/weights": [3, 3, 8, 16],
        "Net/expanded_conv_1/project/weights": [1, 1, 16, 16],
        "Net/expanded_conv_2/expand/weights": [5, 5, 16, 32],
        "Net/expanded_conv_2/project/weights": [1, 1, 32, 16],
        "Net/expanded_conv_3/expand/weights": [3, 3, 16, 32],
        "Net/expanded_conv_3/project/weights": [1, 1, 32, 16],
        "Net/expanded_conv_4/expand/weights": [1, 1, 16, 32],
        "Net/expanded_conv_4/depthwise/depthwise_weights": [3, 3, 32, 1],
        "Net/expanded_conv_4/project/weights": [1, 1, 32, 16],
    }
    kinds = ["expansion"] * 4 + ["depthwise"]
    found = [
        end_points[f"layer_{layer}/{kind}_output"].shape.as_list()
        for layer, kind in enumerate(kinds, start=2)
    ]
    assert found == [[1, 17, 17, 8], [1, 9, 9, 16], *([1, 9, 9, 32],) * 3]


def test_fused_bottlenecks_have_rates_in_place_of_strides():
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        images = tf.constant(np.random.RandomState(0).uniform(-1, 1, [1, 33, 33, 3]), tf.float32)
        dense, _ = build(4, images=images, spec=FUSED)
        atrous, _ = build(2, images=images, spec=FUSED)
    with tf.Session() as session:
        comparison.fill_variables(session)
        dense, atrous = session.run([dense, atrous])
    assert np.abs(dense).max() > 0.1
    assert atrous.shape == (1, 17, 17, 16)
    np.testing.assert_allclose(atrous[:, ::2, ::2], dense, atol=1e-5)


def test_depthwise_kernels_do_not_decay():
    build(weight_decay=0.1)
    losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    decayed = [name for name in kernels() if not name.endswith("depthwise_weights")]
    assert len(losses) == len(decayed) == 11
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        weights = {
            v.op.name: value
            for v, value in zip(
                tf.global_variables(), session.run(tf.global_variables()), strict=True
            )
        }
        total = session.run(tf.add_n(losses))
    expected = 0.05 * sum(np.square(weights[name], dtype=np.float64).sum() for name in decayed)
    np.testing.assert_allclose(total, expected, rtol=1e-5)
