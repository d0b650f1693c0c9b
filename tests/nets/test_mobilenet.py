"""What MobileNets share: strides that become rates, names, shortcuts, and weight decay."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import mobilenet
from nets.batch_norm import BatchNormMode
from nets.mobilenet import Bottleneck, MobileNetSpec

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


def build(output_stride: int = 8, weight_decay: float = 0.0, scaled=int):
    return mobilenet.build(
        tf.zeros([1, 33, 33, 3]),
        SPEC,
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


def test_an_input_is_added_where_stride_and_depth_allow_it():
    """Without weights a bottleneck gives its input back, or nothing."""
    images = tf.constant(np.random.RandomState(0).uniform(-1, 1, [1, 33, 33, 3]), tf.float32)
    _, end_points = mobilenet.build(
        images, SPEC, int, output_stride=8, weight_decay=0.0, batch_norm=BatchNormMode()
    )
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for variable in tf.global_variables():
            if variable.op.name.endswith("project/BatchNorm/gamma"):
                variable.load(np.zeros(variable.shape.as_list()), session)
        values = session.run({layer: end_points[f"layer_{layer}"] for layer in range(2, 6)})
    assert np.abs(values[2]).max() > 0  # The root has its 8 channels.
    assert [np.any(values[layer]) for layer in (3, 4, 5)] == [False, False, False]


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
