"""ResNets: their units and roots, and where block 4 has rates instead of a stride."""

import pytest
import tensorflow.compat.v1 as tf

from nets import resnet_v1
from nets.batch_norm import BatchNormMode


def build(
    *,
    is_lite: bool = True,
    root_depths=None,
    output_stride: int = 16,
    multi_grid=None,
    num_units=(2, 1, 2, 3),
    weight_decay: float = 0.0,
):
    return resnet_v1.build(
        tf.zeros([1, 65, 65, 3]),
        scope="net",
        num_units=num_units,
        is_lite=is_lite,
        root_depths=root_depths,
        output_stride=output_stride,
        multi_grid=multi_grid,
        weight_decay=weight_decay,
        batch_norm=BatchNormMode(),
    )


def kernels(prefix: str) -> dict[str, list[int]]:
    return {
        variable.op.name.removeprefix("net/"): variable.shape.as_list()
        for variable in tf.global_variables()
        if variable.op.name.startswith(f"net/{prefix}") and variable.op.name.endswith("weights")
    }


def rates() -> dict[str, int]:
    """Returns the atrous rate of each convolution that has one, by scope."""
    return {
        operation.name.rsplit("/", 2)[0].removeprefix("net/"): int(
            tf.get_static_value(operation.inputs[1])[0]
        )
        for operation in tf.get_default_graph().get_operations()
        if operation.type == "SpaceToBatchND"
    }


def test_a_bottleneck_has_three_convolutions_and_a_shortcut_where_depths_differ():
    features, end_points = build(is_lite=False)
    assert kernels("block2") == {
        "block2/unit_1/bottleneck_v1/shortcut/weights": [1, 1, 256, 512],
        "block2/unit_1/bottleneck_v1/conv1/weights": [1, 1, 256, 128],
        "block2/unit_1/bottleneck_v1/conv2/weights": [3, 3, 128, 128],
        "block2/unit_1/bottleneck_v1/conv3/weights": [1, 1, 128, 512],
    }
    assert "block1/unit_2/bottleneck_v1/shortcut/weights" not in kernels("block1")
    assert features.shape.as_list() == [1, 5, 5, 2048]
    assert sorted(end_points.keys() - {"root"}) == sorted(
        f"block{block}/unit_{unit}/bottleneck_v1/conv3"
        for block, length in enumerate((2, 1, 2, 3), start=1)
        for unit in range(1, length + 1)
    )


def test_a_lite_unit_has_two_convolutions():
    features, end_points = build()
    assert kernels("block2") == {
        "block2/unit_1/lite_bottleneck_v1/shortcut/weights": [1, 1, 64, 128],
        "block2/unit_1/lite_bottleneck_v1/conv1/weights": [3, 3, 64, 128],
        "block2/unit_1/lite_bottleneck_v1/conv2/weights": [3, 3, 128, 128],
    }
    assert "block1/unit_1/lite_bottleneck_v1/shortcut/weights" not in kernels("block1")
    assert features.shape.as_list() == [1, 5, 5, 512]
    assert "block4/unit_3/lite_bottleneck_v1/conv2" in end_points


@pytest.mark.parametrize(
    ("root_depths", "expected"),
    [
        (None, {"conv1/weights": [7, 7, 3, 64]}),
        (
            (16, 24, 32),
            {
                "conv1_1/weights": [3, 3, 3, 16],
                "conv1_2/weights": [3, 3, 16, 24],
                "conv1_3/weights": [3, 3, 24, 32],
            },
        ),
    ],
)
def test_the_root_is_one_convolution_or_three(root_depths, expected):
    _, end_points = build(root_depths=root_depths)
    assert kernels("conv1") == expected
    # The last unit of a block halves: before it, block 1 has a quarter of the image.
    assert end_points["block1/unit_1/lite_bottleneck_v1/conv2"].shape[1] == 17
    assert end_points["block1/unit_2/lite_bottleneck_v1/conv2"].shape[1] == 9


def test_strides_beyond_the_output_stride_become_rates():
    build(output_stride=32)
    assert rates() == {}
    tf.reset_default_graph()
    build(output_stride=16)
    unit = "block4/unit_{}/lite_bottleneck_v1/conv{}"
    assert rates() == {unit.format(number, conv): 2 for number in (1, 2, 3) for conv in (1, 2)}
    tf.reset_default_graph()
    build(output_stride=8)
    found = rates()
    assert {found[unit.format(number, 2)] for number in (1, 2, 3)} == {4}
    assert found["block3/unit_1/lite_bottleneck_v1/conv1"] == 2


def test_multi_grid_multiplies_the_rates_of_block_4_unit_by_unit():
    build(output_stride=16, multi_grid=(1, 2, 4))
    found = rates()
    for unit, rate in ((1, 2), (2, 4), (3, 8)):
        assert found[f"block4/unit_{unit}/lite_bottleneck_v1/conv1"] == rate
        assert found[f"block4/unit_{unit}/lite_bottleneck_v1/conv2"] == rate


def test_every_kernel_decays():
    build(weight_decay=0.1)
    losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    assert len(losses) == len(kernels("")) == 1 + 2 * 8 + 3
