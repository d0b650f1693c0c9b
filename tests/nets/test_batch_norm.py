"""Batch norm by value: frozen, per clone, and synchronized over clones."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tf_slim as slim

from nets.batch_norm import BatchNormMode, SyncGroup

DECAY, EPSILON = 0.9, 1e-3


@pytest.fixture
def inputs() -> np.ndarray:
    """Four images whose two halves have very different statistics."""
    random = np.random.RandomState(0)
    values = random.normal(3.0, 2.0, [4, 5, 6, 3])
    values[2:] += 40.0
    return values.astype(np.float32)


def layer(images: tf.Tensor, mode: BatchNormMode) -> tf.Tensor:
    """A convolution and a second one, each with batch norm, as networks have them."""
    arguments = mode.slim_params(DECAY, EPSILON)
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        net = slim.conv2d(images, 4, 3, activation_fn=tf.nn.tanh, scope="first", **arguments)
        return slim.conv2d(net, 2, 1, activation_fn=None, scope="second", **arguments)


def run_step(outputs: list[tf.Tensor]):
    """Runs updates and the gradients of a loss over all clones' outputs, on known weights."""
    joined = tf.concat(outputs, axis=0)
    loss = tf.reduce_sum(tf.sin(joined * 3.0)) / joined.shape[0].value
    gradients = tf.gradients(loss, tf.trainable_variables())
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    names = [v.op.name for v in tf.trainable_variables()]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for seed, variable in enumerate(tf.trainable_variables()):
            value = np.random.RandomState(seed).normal(0.5, 0.3, variable.shape.as_list())
            variable.load(value, session)
        values, slopes, _ = session.run([joined, gradients, updates])
        moving = {
            v.op.name: session.run(v) for v in tf.global_variables() if "moving_" in v.op.name
        }
    return values, dict(zip(names, slopes, strict=True)), moving


def test_frozen_uses_and_keeps_the_moving_statistics(inputs):
    mode = BatchNormMode(is_training=False)
    arguments = mode.slim_params(DECAY, EPSILON)
    outputs = arguments["normalizer_fn"](tf.constant(inputs), **arguments["normalizer_params"])
    assert tf.get_collection(tf.GraphKeys.UPDATE_OPS) == []
    values = {"gamma": 1.5, "beta": 0.25, "moving_mean": 3.0, "moving_variance": 4.0}
    with tf.Session() as session:
        for variable in tf.global_variables():
            kind = variable.op.name.rsplit("/", 1)[-1]
            variable.load(np.full([3], values[kind]), session)
        result = session.run(outputs)
    expected = 1.5 * (inputs - 3.0) / np.sqrt(4.0 + EPSILON) + 0.25
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


def test_training_normalizes_and_moves_the_statistics(inputs):
    mode = BatchNormMode(is_training=True)
    arguments = mode.slim_params(DECAY, EPSILON)
    outputs = arguments["normalizer_fn"](tf.constant(inputs), **arguments["normalizer_params"])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        result, _ = session.run([outputs, tf.get_collection(tf.GraphKeys.UPDATE_OPS)])
        moving = {v.op.name: session.run(v) for v in tf.global_variables()}
    mean, variance = inputs.mean(axis=(0, 1, 2)), inputs.var(axis=(0, 1, 2))
    np.testing.assert_allclose(
        result, (inputs - mean) / np.sqrt(variance + EPSILON), rtol=1e-4, atol=1e-4
    )
    count = inputs[..., 0].size
    np.testing.assert_allclose(moving["BatchNorm/moving_mean"], 0.1 * mean, rtol=1e-4)
    np.testing.assert_allclose(
        moving["BatchNorm/moving_variance"], 0.9 + 0.1 * variance * count / (count - 1), rtol=1e-4
    )


@pytest.mark.parametrize("num_clones", [2, 4])
def test_synchronized_clones_equal_one_clone_on_the_joined_batch(inputs, num_clones):
    expected = run_step([layer(tf.constant(inputs), BatchNormMode(is_training=True))])

    tf.reset_default_graph()
    group = SyncGroup(num_clones)
    mode = BatchNormMode(is_training=True, sync_group=group)
    outputs = []
    for clone, share in enumerate(np.split(inputs, num_clones)):
        outputs.append(layer(tf.constant(share), mode))
        if clone == 0:
            first_updates = tf.get_collection_ref(tf.GraphKeys.UPDATE_OPS)[:]
    tf.get_collection_ref(tf.GraphKeys.UPDATE_OPS)[:] = first_updates
    group.connect()
    actual = run_step(outputs)

    np.testing.assert_allclose(actual[0], expected[0], rtol=1e-3, atol=1e-3)
    for got, wanted in zip(actual[1:], expected[1:], strict=True):
        assert got.keys() == wanted.keys()
        for name in wanted:
            np.testing.assert_allclose(got[name], wanted[name], rtol=2e-3, atol=2e-3, err_msg=name)


def test_clones_that_are_not_synchronized_differ_from_the_joined_batch(inputs):
    joined = run_step([layer(tf.constant(inputs), BatchNormMode(is_training=True))])
    tf.reset_default_graph()
    mode = BatchNormMode(is_training=True)
    apart = run_step([layer(tf.constant(share), mode) for share in np.split(inputs, 2)])
    assert np.abs(joined[0] - apart[0]).max() > 0.1


def test_statistics_are_shared_at_every_scale_of_an_image_pyramid(inputs):
    def pyramid(images, mode):
        return [layer(images, mode), layer(images[:, ::2, ::2], mode)]

    expected = run_step(pyramid(tf.constant(inputs), BatchNormMode(is_training=True))[1:])
    tf.reset_default_graph()
    group = SyncGroup(2)
    mode = BatchNormMode(is_training=True, sync_group=group)
    clones = [pyramid(tf.constant(share), mode) for share in np.split(inputs, 2)]
    group.connect()
    actual = run_step([clone[1] for clone in clones])
    np.testing.assert_allclose(actual[0], expected[0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", ["frozen", "trained", "synchronized"])
def test_without_scale_there_is_no_gamma(inputs, kind):
    group = SyncGroup(1) if kind == "synchronized" else None
    mode = BatchNormMode(is_training=kind != "frozen", sync_group=group)
    arguments = mode.slim_params(DECAY, EPSILON, scale=False)
    outputs = arguments["normalizer_fn"](tf.constant(inputs), **arguments["normalizer_params"])
    if group:
        group.connect()
    names = [variable.op.name for variable in tf.global_variables()]
    assert names == [f"BatchNorm/{name}" for name in ("beta", "moving_mean", "moving_variance")]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for variable, value in zip(tf.global_variables(), (0.25, 3.0, 4.0), strict=True):
            variable.load(np.full([3], value), session)
        result = session.run(outputs)
    mean, variance = inputs.mean(axis=(0, 1, 2)), inputs.var(axis=(0, 1, 2))
    if kind == "frozen":
        mean, variance = 3.0, 4.0
    expected = (inputs - mean) / np.sqrt(variance + EPSILON) + 0.25
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
