"""An optimized graph against the graph it was made from: values, names, and what is gone."""

import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import op_def_registry

from deeplab import inference_graph
from deeplab.options import ModelOptions
from export import optimize_graph
from reference import comparison
from serving import contract

# What is left to TensorFlow's optimizer of graphs, it has to do.
pytestmark = pytest.mark.usefixtures("optimized_graphs")

DEPTH = 6


def random(seed: int, *shape: int, low: float = -1.0) -> np.ndarray:
    return np.random.RandomState(seed).uniform(low, 1.0, shape).astype(np.float32)


def batch_norm(inputs: tf.Tensor, seed: int = 7) -> tf.Tensor:
    depth = inputs.shape.as_list()[-1]
    gamma, beta, mean = (random(seed + i, depth) for i in range(3))
    variance = random(seed + 3, depth, low=0.2)
    return tf.nn.fused_batch_norm(
        inputs, gamma, beta, mean, variance, epsilon=1e-3, is_training=False
    )[0]


def conv(inputs: tf.Tensor, depth: int = DEPTH, kernel: int = 3, **arguments) -> tf.Tensor:
    weights = random(3, kernel, kernel, inputs.shape.as_list()[-1], depth)
    return tf.nn.conv2d(inputs, tf.constant(weights, name="weights"), **arguments)


def depthwise(inputs: tf.Tensor, multiplier: int = 1, **arguments) -> tf.Tensor:
    weights = random(3, 3, 3, inputs.shape.as_list()[-1], multiplier)
    return tf.nn.depthwise_conv2d(inputs, tf.constant(weights, name="weights"), **arguments)


def atrous(inputs: tf.Tensor, convolve, rate: int = 2) -> tf.Tensor:
    """As slim does it: the rate in batch-to-space, which also pads; 9x10 is no multiple of it."""
    outputs = tf.space_to_batch_nd(inputs, [rate, rate], [[2, 3], [2, 2]])
    outputs = convolve(outputs, strides=[1, 1, 1, 1], padding="VALID")
    return tf.batch_to_space_nd(outputs, [rate, rate], [[0, 1], [0, 0]])


SAME = {"strides": [1, 1, 1, 1], "padding": "SAME"}
PADDED = {"strides": [1, 2, 2, 1], "padding": "VALID"}
PATTERNS = {
    "conv": lambda x: tf.nn.relu6(batch_norm(conv(x, **SAME))),
    "conv with bias": lambda x: batch_norm(tf.nn.bias_add(conv(x, **SAME), random(9, DEPTH))),
    "two batch norms": lambda x: batch_norm(batch_norm(conv(x, **SAME)), seed=20),
    "padding before": lambda x: batch_norm(
        conv(tf.pad(x, [[0, 0], [1, 2], [2, 1], [0, 0]]), **PADDED)
    ),
    "depthwise": lambda x: tf.nn.relu(batch_norm(depthwise(x, **SAME))),
    "depthwise, two outputs each": lambda x: batch_norm(depthwise(x, multiplier=2, **SAME)),
    "padded depthwise": lambda x: tf.nn.relu(
        batch_norm(depthwise(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), **PADDED))
    ),
    "atrous conv": lambda x: tf.nn.relu(batch_norm(atrous(x, conv))),
    "atrous depthwise": lambda x: tf.nn.relu6(batch_norm(atrous(x, depthwise))),
    "atrous depthwise without activation": lambda x: batch_norm(atrous(x, depthwise)),
}
UNFOLDED = ("FusedBatchNormV3", "FusedBatchNorm", "Mul", "Rsqrt")


def graph_of(build) -> tf.GraphDef:
    with tf.Graph().as_default() as graph:
        inputs = tf.placeholder(tf.float32, [None, 9, 10, 4], name="input")
        tf.identity(build(inputs), name="output")
    return graph.as_graph_def()


def run(graph_def: tf.GraphDef, inputs: np.ndarray, name: str = "output") -> np.ndarray:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph_def, name="")
        return session.run(f"{name}:0", {"input:0": inputs})


def operations(graph_def: tf.GraphDef) -> list[str]:
    return [node.op for node in graph_def.node]


def assert_same(before: tf.GraphDef, after: tf.GraphDef) -> np.ndarray:
    inputs = random(1, 2, 9, 10, 4)
    expected, outputs = run(before, inputs), run(after, inputs)
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5 * abs(expected).max())
    return outputs


@pytest.mark.parametrize("pattern", PATTERNS)
def test_batch_norm_becomes_part_of_the_convolution(pattern):
    before = graph_of(PATTERNS[pattern])
    after = optimize_graph.optimize(before, ["input"], ["output"])
    assert_same(before, after)
    assert not set(UNFOLDED) & set(operations(after))
    assert operations(after).count("BiasAdd") == 1
    nodes = {node.name: node for node in after.node}
    bias = next(node for node in after.node if node.op == "BiasAdd")
    # So that TensorFlow fuses the one, and others see an atrous convolution in the other.
    before_bias = (
        ("BatchToSpaceND",) if "atrous" in pattern else ("Conv2D", "DepthwiseConv2dNative")
    )
    assert nodes[bias.input[0]].op in before_bias
    for node in after.node:
        if node.op in ("Relu", "Relu6"):
            assert nodes[node.input[0]].op == "BiasAdd"
        if node.op == "DepthwiseConv2dNative":
            assert list(node.attr["dilations"].list.i) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "build",
    [
        lambda x: (lambda y: batch_norm(y) + y)(conv(x, **SAME)),  # Others read the convolution.
        lambda x: batch_norm(tf.nn.relu(conv(x, **SAME))),
        lambda x: batch_norm(x + 1.0),
        lambda x: batch_norm(tf.nn.max_pool(conv(x, **SAME), 2, 1, "SAME")),
    ],
)
def test_what_cannot_be_folded_stays(build):
    before = graph_of(build)
    after = optimize_graph.optimize(before, ["input"], ["output"])
    assert_same(before, after)
    assert "FusedBatchNormV3" in operations(after)


def test_a_kernel_that_two_convolutions_share_is_scaled_once():
    def build(inputs):
        with tf.variable_scope("shared"):
            weights = tf.constant(random(3, 3, 3, 4, DEPTH))
            constants = [tf.constant(random(i, DEPTH, low=0.1)) for i in range(4)]
        parts = []
        for scale in (1.0, 2.0):
            outputs = tf.nn.conv2d(inputs * scale, weights, **SAME)
            parts.append(tf.nn.fused_batch_norm(outputs, *constants, is_training=False)[0])
        return tf.concat(parts, axis=3)

    before = graph_of(build)
    after = optimize_graph.optimize(before, ["input"], ["output"])
    assert_same(before, after)
    kernels = {node.input[1] for node in after.node if node.op == "Conv2D"}
    assert len(kernels) == 1


def test_nodes_that_change_nothing_go():
    def build(inputs):
        outputs = tf.identity(tf.debugging.check_numerics(inputs, "not finite"))
        outputs = tf.transpose(tf.transpose(outputs, [0, 3, 1, 2]), [0, 2, 3, 1])
        outputs = tf.raw_ops.Cast(x=outputs, DstT=tf.float32)
        size = tf.shape(outputs)[1:3]
        outputs = tf.image.resize_bilinear(outputs, size, align_corners=True)
        return outputs * (tf.constant(2.0) + tf.constant(3.0))

    before = graph_of(build)
    after = optimize_graph.optimize(before, ["input"], ["output"])
    assert_same(before, after)
    assert sorted(operations(after)) == ["Const", "Identity", "Mul", "Placeholder"]


def test_sizes_that_the_graph_tells_become_constants():
    def build(inputs):
        size = tf.shape(inputs)
        pooled = tf.reduce_mean(inputs, axis=[1, 2], keepdims=True)
        return tf.image.resize_bilinear(pooled, [size[1], size[2]], align_corners=True) + inputs

    before = graph_of(build)
    after = optimize_graph.optimize(before, ["input"], ["output"])
    assert_same(before, after)
    assert "ResizeBilinear" in operations(after)
    assert "Shape" not in operations(after)


def test_control_inputs_are_kept():
    def build(inputs):
        check = tf.Assert(tf.reduce_all(inputs < 5.0), ["too large", tf.shape(inputs)])
        with tf.control_dependencies([check]):
            return batch_norm(conv(tf.identity(inputs), **SAME))

    before = graph_of(build)
    after = optimize_graph.optimize(before, ["input"], ["output"])
    assert_same(before, after)
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        run(after, np.full([1, 9, 10, 4], 6.0, np.float32))


def test_residual_sums_are_fused_by_tensorflow():
    """Without `residuals`, TensorFlow 2.21 gives up on the graph and fuses nothing."""

    def build(inputs):
        outputs = batch_norm(conv(inputs, 8, kernel=1, **SAME))
        for seed in range(4):
            branch = depthwise(tf.nn.relu(outputs), **SAME)
            branch = batch_norm(conv(batch_norm(branch), 8, kernel=1, **SAME), seed)
            outputs += branch
        return outputs

    before = graph_of(build)
    after = optimize_graph.optimize(before, ["input"], ["output"])
    assert_same(before, after)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(after, name="")
        metadata = tf.RunMetadata()
        session.run(
            "output:0",
            {"input:0": random(1, 2, 9, 10, 4)},
            options=tf.RunOptions(output_partition_graphs=True),
            run_metadata=metadata,
        )
    run_operations = [node.op for graph in metadata.partition_graphs for node in graph.node]
    assert "BiasAdd" not in run_operations


def test_names_and_attributes_of_inputs_and_outputs_stay():
    before = graph_of(lambda x: batch_norm(conv(tf.identity(x), **SAME)))
    placeholder = next(node for node in before.node if node.name == "input")
    placeholder.attr["_metadata"].s = json.dumps({"class_names": ["a"]}).encode()
    batch_norm_name = next(node.name for node in before.node if node.op == "FusedBatchNormV3")
    after = optimize_graph.optimize(before, ["input"], ["output", batch_norm_name])
    nodes = {node.name: node for node in after.node}
    assert nodes["input"] == placeholder
    assert nodes[batch_norm_name].op == "BiasAdd"
    inputs = random(1, 2, 9, 10, 4)
    np.testing.assert_array_equal(run(after, inputs), run(after, inputs, batch_norm_name))
    with pytest.raises(ValueError, match="the graph has no node logits"):
        optimize_graph.optimize(before, ["input"], ["logits"])


def undefined_attributes(graph_def: tf.GraphDef) -> set[tuple[str, str]]:
    """Returns (operation, attribute) of what TensorFlow would warn of when it loads the graph."""
    return {
        (node.op, name)
        for node in graph_def.node
        for name in node.attr
        if not name.startswith("_")
        and name not in {attr.name for attr in op_def_registry.get(node.op).attr}
    }


@pytest.mark.parametrize(
    "options",
    [
        {"model_variant": "xception_tiny", "atrous_rates": (2, 4), "decoder_output_stride": (4,)},
        {"model_variant": "mobilenet_v2", "depth_multiplier": 0.25, "output_stride": 8},
        pytest.param({"model_variant": "resnet_v1_50_beta"}, marks=pytest.mark.slow),
        pytest.param({"model_variant": "mobilenet_v3_small_seg"}, marks=pytest.mark.slow),
    ],
    ids=lambda options: options["model_variant"],
)
def test_networks_keep_their_logits(options):
    """Class ids may differ where two classes tie, so probabilities are compared."""
    options = ModelOptions(num_classes=5, aspp_convs_filters=8, decoder_filters=8, **options)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        inference_graph.build_inference_graph(options, crop_size=(49, 65))
        comparison.fill_variables(session)
        before = tf.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(), list(contract.OUTPUTS)
        )
    after = optimize_graph.optimize(before, [contract.INPUT], contract.OUTPUTS)
    assert not {"FusedBatchNormV3", "Rsqrt"} & set(operations(after))
    assert undefined_attributes(before) == undefined_attributes(after) == set()
    images = np.random.RandomState(0).randint(0, 256, [2, 40, 65, 3], np.uint8)
    results = []
    for graph_def in (before, after):
        with tf.Graph().as_default(), tf.Session() as session:
            tf.import_graph_def(graph_def, name="")
            results.append(session.run("SemanticProbabilities:0", {"ImageTensor:0": images}))
    assert np.ptp(results[0]) > 0.01
    np.testing.assert_allclose(results[1], results[0], rtol=1e-4, atol=1e-5)
