"""Xceptions: their blocks, the rates that strides become, and names that checkpoints depend on."""

import pytest
import tensorflow.compat.v1 as tf

from nets import xception
from nets.backward import lean_gradients
from nets.batch_norm import BatchNormMode
from tests.support import sessions

MODULE = "unit_1/xception_module"


def build(output_stride: int = 16, multi_grid=None, weight_decay: float = 0.0):
    return xception.build(
        tf.zeros([1, 65, 65, 3]),
        "xception_tiny",
        output_stride=output_stride,
        multi_grid=multi_grid,
        use_bounded_activation=False,
        weight_decay=weight_decay,
        batch_norm=BatchNormMode(),
    )


def rates() -> dict[str, int]:
    """Returns the atrous rate of each depthwise convolution that has one, by scope."""
    return {
        operation.name.rsplit("/", 2)[0].removeprefix("xception_tiny/"): int(
            tf.get_static_value(operation.inputs[1])[0]
        )
        for operation in tf.get_default_graph().get_operations()
        if operation.type == "SpaceToBatchND"
    }


@pytest.mark.parametrize(
    ("variant", "num_middle", "entry"),
    [
        ("xception_41", 8, [(128, 2), (256, 2), (728, 2)]),
        ("xception_65", 16, [(128, 2), (256, 2), (728, 2)]),
        ("xception_71", 16, [(128, 2), (256, 1), (256, 2), (728, 1), (728, 2)]),
    ],
)
def test_blocks_are_those_of_research_deeplab(variant, num_middle, entry):
    """41, 65 and 71 layers: figure 4 of DeepLabV3+, and core/xception.py for 41 and 71."""
    spec = xception.SPECS[variant]
    *first, middle, exit_1, exit_2 = spec.blocks
    assert [(block.depths[0], block.stride) for block in first] == entry
    assert (middle.num_units, middle.depths, middle.skip) == (num_middle, (728,) * 3, "sum")
    assert (exit_1.depths, exit_1.skip, exit_1.stride) == ((728, 1024, 1024), "conv", 2)
    assert (exit_2.depths, exit_2.skip, exit_2.is_last) == ((1536, 1536, 2048), "none", True)
    # Two convolutions of the root and three of each module.
    num_modules = sum(block.num_units for block in spec.blocks)
    assert 2 + 3 * num_modules == int(variant.removeprefix("xception_"))


def test_variables_have_the_names_of_research_deeplab():
    build()
    names = {variable.op.name for variable in tf.global_variables()}
    for name in (
        "entry_flow/conv1_1/weights",
        "entry_flow/conv1_2/BatchNorm/gamma",
        f"entry_flow/block1/{MODULE}/separable_conv1_depthwise/depthwise_weights",
        f"entry_flow/block1/{MODULE}/separable_conv1_depthwise/BatchNorm/moving_mean",
        f"entry_flow/block1/{MODULE}/separable_conv3_pointwise/weights",
        f"entry_flow/block1/{MODULE}/shortcut/BatchNorm/beta",
        "middle_flow/block1/unit_2/xception_module/separable_conv2_pointwise/weights",
        f"exit_flow/block2/{MODULE}/separable_conv3_pointwise/BatchNorm/moving_variance",
    ):
        assert f"xception_tiny/{name}" in names
    shortcuts = sorted(name.split("/")[1:3] for name in names if name.endswith("shortcut/weights"))
    assert shortcuts == [["entry_flow", f"block{number}"] for number in (1, 2, 3)] + [
        ["exit_flow", "block1"]
    ]


def test_strides_beyond_the_output_stride_become_rates():
    build(output_stride=32)
    assert rates() == {}
    tf.reset_default_graph()
    build(output_stride=16)
    last = f"exit_flow/block2/{MODULE}"
    assert rates() == {f"{last}/separable_conv{number}_depthwise": 2 for number in (1, 2, 3)}
    tf.reset_default_graph()
    build(output_stride=8)
    found = rates()
    assert {found[f"{last}/separable_conv{number}_depthwise"] for number in (1, 2, 3)} == {4}
    assert found["middle_flow/block1/unit_1/xception_module/separable_conv1_depthwise"] == 2
    assert found[f"exit_flow/block1/{MODULE}/separable_conv3_depthwise"] == 2
    assert f"entry_flow/block3/{MODULE}/separable_conv3_depthwise" not in found


def test_multi_grid_multiplies_the_rates_of_the_last_block():
    build(output_stride=16, multi_grid=(1, 2, 4))
    last = f"exit_flow/block2/{MODULE}"
    assert [rates()[f"{last}/separable_conv{number}_depthwise"] for number in (1, 2, 3)] == [
        2,
        4,
        8,
    ]


def test_only_depthwise_kernels_do_not_decay():
    build(weight_decay=0.1)
    kernels = [v.op.name for v in tf.global_variables() if v.op.name.endswith("/weights")]
    losses = [loss.op.name for loss in tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)]
    assert len(losses) == len(kernels) > 20
    assert not any("depthwise" in name for name in losses)


def test_tensorflow_fuses_operations_of_a_training_graph(capfd):
    """At output stride 8, a shortcut of xception_tiny widens; see `covariance_norm.unfused_sum`."""
    with sessions.optimized(), tf.Session() as session:
        with lean_gradients():
            features, _ = xception.build(
                tf.random.normal([1, 33, 33, 3]),
                "xception_tiny",
                output_stride=8,
                multi_grid=None,
                use_bounded_activation=False,
                weight_decay=0.0,
                batch_norm=BatchNormMode(is_training=True),
            )
        session.run(tf.global_variables_initializer())
        options, metadata = tf.RunOptions(output_partition_graphs=True), tf.RunMetadata()
        session.run(features, options=options, run_metadata=metadata)
    assert "remapper failed" not in capfd.readouterr().err
    types = [node.op for graph in metadata.partition_graphs for node in graph.node]
    assert any(name.endswith("FusedConv2D") for name in types)
