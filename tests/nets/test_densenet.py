"""DenseNet by value, and what its backward pass keeps and computes."""

import contextlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import covariance_norm, densenet
from nets.backward import lean_gradients
from nets.batch_norm import BatchNormMode, SyncGroup
from reference import comparison
from tests.support import numpy_layers, sessions

SMALL = {"growth_rate": 4, "root_depth": 8, "num_units": (2, 3, 2, 2)}


def build(images, output_stride=32, is_training=False, sync_group=None, **arguments):
    return densenet.build(
        images,
        scope="densenet",
        output_stride=output_stride,
        weight_decay=0.0,
        batch_norm=BatchNormMode(is_training=is_training, sync_group=sync_group),
        **arguments,
    )


def in_numpy(images, variables, num_units, has_code):
    """Returns the features at stride 32, and what decoders take."""

    def normalized(inputs, scope):
        gamma, beta, mean, variance = (
            variables[f"{scope}BatchNorm/{name}"]
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return np.maximum((inputs - mean) / np.sqrt(variance + 1.1e-5) * gamma + beta, 0.0)

    def conv(inputs, scope, stride=1):
        # Without batch norm or biases: a layer that finishes with zeros.
        weights = {"conv/weights": variables[f"{scope}/weights"], "conv/biases": 0.0}
        return numpy_layers.Layers(weights, epsilon=None).conv(inputs, "conv", stride=stride)

    outputs = conv(images, "conv1", stride=2)
    outputs = numpy_layers.max_pool_same(normalized(outputs, ""), 3, 2)
    taps = []
    for block, length in enumerate(num_units, start=1):
        for unit in range(1, length + 1):
            scope = f"dense_block{block}/conv_block{unit}"
            new = conv(normalized(outputs, f"{scope}/x1/"), f"{scope}/x1/Conv")
            new = conv(normalized(new, f"{scope}/x2/"), f"{scope}/x2/Conv")
            outputs = np.concatenate([outputs, new], axis=3)
        if block == len(num_units):
            outputs = normalized(outputs, "final_block/")
            if has_code:
                outputs = normalized(conv(outputs, "code_block/Conv"), "code_block/")
            return outputs, taps
        scope = f"transition_block{block}/blk"
        taps.append(normalized(outputs, f"{scope}/"))
        outputs = numpy_layers.average_pool(conv(taps[-1], f"{scope}/Conv"), (2, 2), (2, 2))
    raise AssertionError


@pytest.mark.parametrize("code_depth", [None, 6])
def test_features_and_feature_maps_for_decoders(code_depth):
    images = np.random.RandomState(3).normal(size=(1, 64, 96, 3))
    features, end_points = build(tf.constant(images, tf.float32), **SMALL, code_depth=code_depth)
    with sessions.unoptimized() as session:
        comparison.fill_variables(session)
        features, end_points = session.run([features, end_points])
        variables = session.run({v.op.name: v for v in tf.global_variables()})
    variables = {
        key.removeprefix("densenet/"): value.astype(float) for key, value in variables.items()
    }
    expected, taps = in_numpy(images, variables, SMALL["num_units"], code_depth is not None)
    assert features.shape == (1, 2, 3, expected.shape[-1])
    largest = np.abs(expected).max()
    assert largest > 1e-2
    np.testing.assert_allclose(features / largest, expected / largest, atol=2e-5)
    for number, tap in enumerate(taps, start=1):
        np.testing.assert_allclose(end_points[f"dense_block{number}"], tap, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("is_synchronized", [False, True])
def test_gradients_equal_those_of_tensorflow(is_synchronized):
    """At stride 8 some blocks are atrous and some are not.

    Without the covariance: in so small a network its other last digits turn a ReLU or two around.
    """

    def gradients(context):
        with tf.Graph().as_default(), sessions.unoptimized() as session, context:
            images = np.random.RandomState(3).normal(size=(2, 64, 96, 3))
            images = tf.constant(images, tf.float32)
            group = SyncGroup(1) if is_synchronized else None
            features, end_points = build(images, 8, True, group, **SMALL, code_depth=6)
            if group:
                group.connect()
            loss = tf.reduce_mean(tf.sin(features)) + tf.reduce_mean(end_points["dense_block1"])
            variables = tf.trainable_variables()
            found = tf.gradients(loss, [images, *variables])
            comparison.fill_variables(session)
            return [variable.op.name for variable in variables], session.run(found)

    names, expected = gradients(contextlib.nullcontext())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(covariance_norm, "applies", lambda outputs: False)
        _, actual = gradients(lean_gradients(True))
    for name, one, other in zip(["images", *names], actual, expected, strict=True):
        largest = np.abs(other).max()
        assert largest > 0, name
        np.testing.assert_allclose(one / largest, other / largest, atol=1e-5, err_msg=name)


def kept_bytes(context, num_units, is_synchronized):
    """Returns the size of the forward pass's tensors that the backward pass of a step reads."""
    with tf.Graph().as_default() as graph, context:
        group = SyncGroup(1) if is_synchronized else None
        arguments = {"growth_rate": 16, "root_depth": 32, "num_units": num_units}
        images = tf.placeholder(tf.float32, [2, 64, 64, 3])
        features, _ = build(images, is_training=True, sync_group=group, **arguments)
        if group:
            group.connect()
        tf.gradients(tf.reduce_mean(features), tf.trainable_variables())
        kept = {
            tensor.name: 4 * tensor.shape.num_elements()
            for op in graph.get_operations()
            if op.name.startswith("gradients/") and not op.type.startswith("Shape")
            for tensor in op.inputs
            if not tensor.op.name.startswith("gradients/") and tensor.shape.ndims == 4
            # Not variables.
            if tensor.shape[0].value == 2
        }
        return sum(kept.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("num_units", "is_synchronized", "share"), [((6, 12, 8), False, 0.3), ((3, 6, 4), True, 0.45)]
)
def test_the_longer_the_blocks_the_less_the_backward_pass_keeps(num_units, is_synchronized, share):
    plain = kept_bytes(contextlib.nullcontext(), num_units, is_synchronized)
    lean = kept_bytes(lean_gradients(True), num_units, is_synchronized)
    assert 0 < lean < share * plain


def peak_bytes(context):
    """Returns the most memory that tensors take at once in a step, as TensorFlow traces it.

    Operations run one at a time, so that the order is the same each time.
    """
    config = tf.ConfigProto(inter_op_parallelism_threads=1, intra_op_parallelism_threads=1)
    with tf.Graph().as_default(), tf.Session(config=config) as session, context:
        images = tf.random.stateless_uniform([4, 96, 96, 3], [1, 2])
        arguments = {"growth_rate": 12, "root_depth": 16, "num_units": (10, 8, 6, 4)}
        features, _ = build(images, is_training=True, **arguments)
        gradients = tf.gradients(tf.reduce_mean(features), tf.trainable_variables())
        step = [tf.reduce_sum(gradient) for gradient in gradients]
        session.run(tf.global_variables_initializer())
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        metadata = tf.RunMetadata()
        session.run(step, options=options, run_metadata=metadata)
    records = [
        (record.alloc_micros, record.alloc_bytes)
        for device in metadata.step_stats.dev_stats
        for node in device.node_stats
        for memory in node.memory
        for record in memory.allocation_records
    ]
    # A block that is freed has a negative size.
    sizes = [size for _, size in sorted(records)]
    assert min(sizes) < 0
    return np.cumsum(sizes).max()


def test_a_step_takes_at_most_half_the_memory():
    with sessions.optimized():
        plain, lean = peak_bytes(contextlib.nullcontext()), peak_bytes(lean_gradients(True))
    assert 0 < lean < plain / 2
