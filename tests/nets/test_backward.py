"""The backward pass of `nets.backward` by value, against TensorFlow's own gradients."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tf_slim as slim

from nets import interpolation, layers
from nets.backward import lean_gradients
from nets.batch_norm import BatchNormMode, SyncGroup

DEPTH = 6
_NORM = BatchNormMode(is_training=True).slim_params(0.9, 1e-3)


def conv(inputs, depth=DEPTH, kernel=1, activation=tf.nn.relu6, **arguments):
    arguments = {"activation_fn": activation, **_NORM, **arguments}
    return slim.conv2d(inputs, depth, kernel, **arguments)


def depthwise(inputs, activation=tf.nn.relu, **arguments):
    arguments = {"activation_fn": activation, **_NORM, **arguments}
    return layers.depthwise_conv2d(inputs, 3, scope=None, **arguments)


def inverted_residual(inputs):
    net = conv(inputs, 12)
    net = depthwise(net, activation=tf.nn.relu6)
    return conv(net, activation=None) + inputs


def decoder(inputs):
    """Two resolutions, joined, as DeepLab's decoder; one resize is to the same size."""
    fine, coarse = conv(inputs, 4), conv(inputs, stride=2)
    size = inputs.shape.as_list()[1:3]
    joined = [layers.resize_bilinear(each, *size) for each in (coarse, fine)]
    return conv(depthwise(tf.concat(joined, axis=3)))


NETWORKS = {
    "pointwise": lambda inputs: conv(conv(inputs)),
    "pointwise of stride 2": lambda inputs: conv(conv(inputs), stride=2),
    "biases": lambda inputs: slim.conv2d(conv(inputs), 3, 1, activation_fn=None),
    "ordinary convolution": lambda inputs: conv(conv(inputs, kernel=3), kernel=3, rate=2),
    "depthwise": lambda inputs: depthwise(depthwise(inputs)),
    "depthwise of stride 2": lambda inputs: depthwise(
        tf.pad(conv(inputs), [[0, 0], [1, 1], [1, 1], [0, 0]]), stride=2, padding="VALID"
    ),
    "atrous depthwise": lambda inputs: depthwise(depthwise(inputs), rate=2),
    "identity behind batch norm": lambda inputs: conv(conv(inputs, activation=tf.identity)),
    "inverted residual": inverted_residual,
    "decoder": decoder,
    "image pooling": lambda inputs: layers.resize_as(
        conv(tf.reduce_mean(inputs, axis=[1, 2], keepdims=True)), inputs
    ),
    "smaller": lambda inputs: layers.resize_bilinear(conv(inputs), 4, 3),
}


def gradients(build, is_lean: bool, size=(9, 7), weights_seed=1, known_batch=True, **options):
    """Returns the gradients of a loss with respect to image and variables, for two images."""
    random = np.random.RandomState(0)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        inputs = tf.placeholder(tf.float32, [2 if known_batch else None, *size, DEPTH])
        if is_lean:
            with lean_gradients(**options):
                outputs = build(inputs)
        else:
            outputs = build(inputs)
        loss = tf.reduce_mean(tf.sin(outputs + 0.5))
        variables = tf.trainable_variables()
        found = tf.gradients(loss, [inputs, *variables])
        session.run(tf.global_variables_initializer())
        weights = np.random.RandomState(weights_seed)
        values = {
            variable.initializer.inputs[1]: weights.normal(
                float("gamma" in variable.op.name), 0.5, variable.shape.as_list()
            )
            for variable in variables
        }
        session.run([variable.initializer for variable in variables], values)
        kept = {
            tensor.op.type
            for op in graph.get_operations()
            if op.name.startswith("gradients/") and not op.type.startswith("Shape")
            for tensor in op.inputs
            if not tensor.op.name.startswith("gradients/")
        }
        return session.run([loss, *found], {inputs: random.normal(size=[2, *size, DEPTH])}), kept


@pytest.mark.parametrize("recompute", [True, None])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_equal_those_of_tensorflow(name, recompute):
    expected, _ = gradients(NETWORKS[name], is_lean=False)
    actual, _ = gradients(NETWORKS[name], is_lean=True, recompute_activations=recompute)
    largest = max(np.abs(value).max() for value in expected[1:])
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * largest)


def test_the_batch_may_be_of_unknown_size():
    known, _ = gradients(inverted_residual, is_lean=True)
    unknown, _ = gradients(inverted_residual, is_lean=True, known_batch=False)
    for one, other in zip(unknown, known, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["inverted residual", "atrous depthwise", "decoder"])
def test_outcomes_of_batch_norm_and_relu_are_not_kept_for_the_backward_pass(name):
    """What the backward pass reads of the forward pass are inputs, convolutions and sums."""
    _, kept = gradients(NETWORKS[name], is_lean=True, recompute_activations=True)
    assert not kept & {"Relu", "Relu6", "SpaceToBatchND", "ConcatV2", "ResizeBilinear"}
    _, kept_by_tensorflow = gradients(NETWORKS[name], is_lean=False)
    assert kept_by_tensorflow & {"Relu", "Relu6"}


@pytest.mark.parametrize("name", ["inverted residual", "atrous depthwise", "decoder"])
def test_without_recomputation_they_are_kept_and_gradients_are_the_same(name):
    expected, _ = gradients(NETWORKS[name], is_lean=True, recompute_activations=True)
    actual, kept = gradients(NETWORKS[name], is_lean=True, recompute_activations=False)
    assert kept & {"Relu", "Relu6"}
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["frozen", "synchronized"])
def test_other_kinds_of_batch_norm_have_the_same_gradients(kind):
    def build(inputs):
        group = SyncGroup(1)
        mode = BatchNormMode(
            is_training=kind == "synchronized", sync_group=group if kind == "synchronized" else None
        )
        arguments = mode.slim_params(0.9, 1e-3)
        outputs = depthwise(conv(inputs, **arguments), **arguments)
        group.connect()
        return outputs

    expected, _ = gradients(build, is_lean=False)
    actual, kept = gradients(build, is_lean=True, recompute_activations=True)
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert ("Relu" in kept) == (kind == "frozen")


@pytest.mark.parametrize(("input_side", "output_side"), [(5, 17), (17, 5), (7, 7), (1, 4), (4, 1)])
def test_interpolation_is_that_of_resize_bilinear(input_side, output_side):
    image = np.random.RandomState(0).normal(size=(1, input_side, 1, 3)).astype(np.float32)
    with tf.Session() as session:
        resized = session.run(layers.resize_bilinear(tf.constant(image), output_side, 1))
    product = interpolation.matrix(input_side, output_side) @ image[0, :, 0]
    np.testing.assert_allclose(product, resized[0, :, 0], rtol=1e-6, atol=1e-6)
