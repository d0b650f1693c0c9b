"""Clones: placement, the split of the batch, and gradients equal to those of one clone."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment import model_deploy
from deployment.config import DeploymentConfig
from tests.support import toy_training

BATCH = 8


def _create_clones(config: DeploymentConfig, batch) -> list[model_deploy.Clone]:
    shares = model_deploy.split_batch(config, batch)
    return model_deploy.create_clones(config, toy_training.build_clone, shares)


def _loss_and_gradients(num_clones: int):
    """Returns total loss, gradients by variable name and the moving mean after the updates."""
    config = DeploymentConfig(num_clones, clone_on_cpu=True)
    with tf.Graph().as_default():
        tf.set_random_seed(5)
        examples = {name: values[:BATCH] for name, values in toy_training.examples().items()}
        batch = {name: tf.constant(values) for name, values in examples.items()}
        clones = _create_clones(config, batch)
        loss = model_deploy.total_loss(config, clones)
        variables = tf.trainable_variables()
        gradients = tf.gradients(loss, variables)
        with tf.Session() as session:
            # Not the initial values: these depend on the number of ops built before.
            session.run(tf.global_variables_initializer())
            for variable, value in zip(variables, _values(), strict=True):
                variable.load(value, session)
            values = session.run([loss, gradients])
            session.run(clones[0].update_ops)
            mean = session.run(tf.global_variables()[-1])
        assert [variable.op.name for variable in variables] == ["body/weights", "logits/biases"]
        return values[0], values[1], mean


def _values():
    return np.array([[0.2], [-0.4], [0.6]], np.float32), np.array([0.1], np.float32)


@pytest.mark.parametrize("num_clones", [1, 2, 4])
def test_clones_have_loss_and_gradients_of_one_network_on_the_whole_batch(num_clones):
    examples = toy_training.examples()
    inputs, targets = examples["inputs"][:BATCH], examples["targets"][:BATCH]
    weights, biases = _values()
    errors = inputs @ weights + biases - targets

    loss, (weights_gradient, biases_gradient), _ = _loss_and_gradients(num_clones)

    decay = toy_training.WEIGHT_DECAY
    np.testing.assert_allclose(loss, np.mean(errors**2) + decay * np.sum(weights**2) / 2, rtol=1e-6)
    np.testing.assert_allclose(
        weights_gradient, 2 * inputs.T @ errors / BATCH + decay * weights, rtol=1e-5
    )
    np.testing.assert_allclose(biases_gradient, 2 * errors.mean(axis=0), rtol=1e-5)


def test_moving_averages_are_updated_by_the_first_clone_only():
    _, _, mean = _loss_and_gradients(num_clones=2)

    first_share = toy_training.examples()["inputs"][: BATCH // 2]
    np.testing.assert_allclose(mean, 0.5 * first_share.mean(axis=0), rtol=1e-6)


def test_a_clone_reports_what_it_added_to_the_collections():
    config = DeploymentConfig(2, clone_on_cpu=True)
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, tf.no_op("before"))
    batch = {name: tf.constant(values) for name, values in toy_training.examples().items()}

    first, second = _create_clones(config, batch)

    assert [clone.scope for clone in (first, second)] == ["clone_0", "clone_1"]
    assert len(first.losses) == len(second.losses) == 1
    assert first.losses[0].op.name.startswith("clone_0/")
    assert second.losses[0].op.name.startswith("clone_1/")
    assert (len(first.regularization_losses), len(second.regularization_losses)) == (1, 0)
    assert (len(first.update_ops), len(second.update_ops)) == (1, 1)
    assert len(tf.trainable_variables()) == 2


def test_clone_without_loss_is_refused():
    with pytest.raises(ValueError, match="clone 0 adds no loss"):
        model_deploy.create_clones(DeploymentConfig(), lambda batch: None, [{"x": tf.zeros([2])}])


def test_split_gives_each_clone_its_examples_in_order():
    batch = {"x": tf.range(8), "y": tf.reshape(tf.range(16), [8, 2])}

    shares = model_deploy.split_batch(DeploymentConfig(4), batch)

    with tf.Session() as session:
        values = session.run(shares)
    assert [value["x"].tolist() for value in values] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert values[3]["y"].tolist() == [[12, 13], [14, 15]]
    assert shares[0]["y"].shape.as_list() == [2, 2]


def _devices(config: DeploymentConfig) -> dict[str, str]:
    """Returns the device asked for by each op's name."""
    batch = {name: tf.constant(values) for name, values in toy_training.examples().items()}
    clones = _create_clones(config, batch)
    model_deploy.total_loss(config, clones)
    return {op.name: op.device for op in tf.get_default_graph().get_operations()}


def test_several_clones_compute_on_gpus_and_keep_variables_on_the_cpu():
    devices = _devices(DeploymentConfig(2))

    assert devices["clone_0/MatMul"] == "/device:GPU:0"
    assert devices["clone_1/MatMul"] == "/device:GPU:1"
    assert devices["body/weights"] == "/device:CPU:0"
    assert {devices[name] for name in devices if name.startswith("split_batch")} == {
        "/device:CPU:0"
    }


def test_one_clone_leaves_the_placement_to_tensorflow():
    devices = _devices(DeploymentConfig(1))

    assert devices["MatMul"] == devices["body/weights"] == ""


def test_clones_on_cpu_are_on_the_cpu():
    devices = _devices(DeploymentConfig(2, clone_on_cpu=True))

    assert devices["clone_1/MatMul"] == "/device:CPU:0"


def test_variables_are_spread_over_parameter_servers():
    devices = _devices(
        DeploymentConfig(1, clone_on_cpu=True, replica_id=1, num_replicas=2, num_ps_tasks=2)
    )

    variables = ("body/weights", "logits/biases", "body/moving_mean")
    assert [devices[name] for name in variables] == [
        "/job:ps/task:0/device:CPU:0",
        "/job:ps/task:1/device:CPU:0",
        "/job:ps/task:0/device:CPU:0",
    ]
    assert devices["MatMul"] == "/job:worker/task:1/device:CPU:0"
