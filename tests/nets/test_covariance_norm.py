"""Batch norm of widening convolutions, by the covariance of their inputs, against TensorFlow's."""

import contextlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tf_slim as slim

from common import graph_memory
from nets import covariance_norm
from nets.backward import lean_gradients
from nets.batch_norm import BatchNormMode, SyncGroup

NARROW, WIDE = 6, 24


def layer(inputs, *, num_outputs=WIDE, kernel=1, stride=1, group=None, is_training=True):
    mode = BatchNormMode(is_training=is_training, sync_group=group)
    return slim.conv2d(
        inputs, num_outputs, kernel, stride=stride, activation_fn=tf.nn.relu6, scope="layer",
        **mode.slim_params(0.9, 1e-3),
    )  # fmt: skip


def step(context, images, num_clones=0):
    """Returns outputs, moving statistics, and gradients of the image and all variables."""
    random = np.random.RandomState(1)
    with tf.Graph().as_default(), tf.Session() as session:
        inputs = tf.constant(images)
        group = SyncGroup(num_clones) if num_clones else None
        shares = tf.split(inputs, num_clones) if num_clones else [inputs]
        outputs = []
        with context:
            for index, share in enumerate(shares):
                with tf.variable_scope("", reuse=index > 0):
                    outputs.append(layer(share, group=group))
        if group:
            group.connect()
        joined = tf.concat(outputs, axis=0)
        variables = tf.trainable_variables()
        gradients = tf.gradients(tf.reduce_mean(tf.sin(3.0 * joined)), [inputs, *variables])
        session.run(tf.global_variables_initializer())
        for variable in variables:
            variable.load(random.normal(0.5, 0.5, variable.shape.as_list()), session)
        found = session.run([joined, *gradients])
        session.run(tf.get_collection(tf.GraphKeys.UPDATE_OPS)[:2])
        moving = [each for each in tf.global_variables() if "moving" in each.op.name]
        return [*found, *session.run(moving)]


def largest_difference(actual, expected):
    return max(
        np.abs(one - other).max() / np.abs(other).max()
        for one, other in zip(actual, expected, strict=True)
    )


@pytest.mark.parametrize("recompute", [True, None, False])
@pytest.mark.parametrize("num_clones", [0, 2])
def test_values_statistics_and_gradients_are_those_of_tensorflow(recompute, num_clones):
    images = np.random.RandomState(0).normal(1.0, 2.0, (4, 9, 7, NARROW)).astype(np.float32)
    expected = step(contextlib.nullcontext(), images, num_clones)
    actual = step(lean_gradients(recompute), images, num_clones)
    assert largest_difference(actual, expected) < 1e-5


def test_means_that_are_large_for_the_deviation_cost_few_digits():
    random = np.random.RandomState(0)
    images = random.normal(100.0, 1.0, (4, 9, 7, NARROW)).astype(np.float32)
    upward = np.where(random.uniform(size=images.shape) < 0.5, np.inf, -np.inf)
    expected = step(contextlib.nullcontext(), images)
    changed = step(contextlib.nullcontext(), np.nextafter(images, upward.astype(np.float32)))
    actual = step(lean_gradients(), images)
    noise = largest_difference(changed, expected)  # Of a change in the last digit of the images.
    assert largest_difference(actual, expected) < 10.0 * noise < 0.1


@pytest.mark.parametrize("recompute", [True, None, False])
def test_plain_outputs_are_never_computed_nor_kept(recompute):
    with tf.Graph().as_default():
        inputs = tf.get_variable("image", [2, 32, 32, NARROW])
        with lean_gradients(recompute):
            outputs = layer(inputs)
        loss = tf.reduce_mean(outputs)
        update = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        with tf.control_dependencies([update, *tf.get_collection(tf.GraphKeys.UPDATE_OPS)]):
            train_op = tf.identity(loss)
        wide = 4 * 2 * 32 * 32 * WIDE
        held = graph_memory.held_bytes(loss, train_op)
        assert (held >= wide) == (recompute is not True)
        assert held < 2 * wide


def test_it_applies_to_widening_convolutions_under_lean_gradients_without_gpus(monkeypatch):
    def applies(context, channels=NARROW, **arguments):
        seen = []

        def record(tensor):
            seen.append(original(tensor))
            return seen[-1]

        with tf.Graph().as_default(), context, pytest.MonkeyPatch.context() as patch:
            patch.setattr(covariance_norm, "applies", record)
            layer(tf.zeros([1, 4, 4, channels]), **arguments)
        [found] = seen or [False]
        return found

    original = covariance_norm.applies
    assert applies(lean_gradients())
    assert not applies(contextlib.nullcontext())
    assert not applies(lean_gradients(), num_outputs=2 * NARROW - 1)
    assert not applies(lean_gradients(), kernel=3)
    assert not applies(lean_gradients(), stride=2)
    assert not applies(lean_gradients(), is_training=False)
    assert not applies(lean_gradients(), channels=200, num_outputs=400)  # 200^2 products a pixel.
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a GPU"])
    assert not applies(lean_gradients())
