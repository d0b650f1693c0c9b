"""Copies of the variables on every clone. With a whole network: test_training_graph.py."""

import numpy as np
import tensorflow.compat.v1 as tf

from deployment import model_deploy
from deployment.config import DeploymentConfig
from deployment.variable_copies import VariableCopies
from tests.support import toy_training


def test_regularization_counts_once_and_a_training_is_the_same(tmp_path):
    for nccl in (False, True):
        toy_training.train(
            tmp_path / str(nccl), 5, deployment=DeploymentConfig(2, clone_on_cpu=True, nccl=nccl)
        )
    without, summed = (
        toy_training.read(str(tmp_path / name / "model.ckpt-5")) for name in ("False", "True")
    )
    for name, value in without.items():
        np.testing.assert_allclose(summed[name], value, rtol=1e-5, err_msg=name)


def test_on_gpus_nccl_sums_on_every_one(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["0", "1"])
    config = DeploymentConfig(2)
    copies = VariableCopies(config)
    batch = {name: tf.constant(values) for name, values in toy_training.examples().items()}
    shares = model_deploy.split_batch(config, batch)
    clones = model_deploy.create_clones(config, toy_training.build_clone, shares, copies.getter)
    gradients = copies.gradients(model_deploy.total_loss(config, clones))

    operations = tf.get_default_graph().get_operations()
    sums = [op for op in operations if op.type == "NcclAllReduce"]
    assert len(sums) == 2 * len(gradients) == 4
    assert [op.device for op in sums[:2]] == ["/device:GPU:0", "/device:GPU:1"]
    assert sums[0].get_attr("shared_name") == sums[1].get_attr("shared_name")
    assert sums[0].get_attr("shared_name") != sums[2].get_attr("shared_name")
    made = [op for op in operations if op.type == "Identity" and "copy" in op.name]
    assert {op.device for op in made} == {"/device:GPU:0", "/device:GPU:1"}
    biases = next(gradient for gradient, each in gradients if each.op.name == "logits/biases")
    assert {op.type for op in biases.op.control_inputs} == {"NcclAllReduce"}


def test_what_is_not_trained_has_no_copy():
    config = DeploymentConfig(2, clone_on_cpu=True)
    copies = VariableCopies(config)
    with tf.variable_scope("net", custom_getter=copies.getter(0)):
        moving = tf.get_variable("moving_mean", [3], trainable=False)
        trained = tf.get_variable("weights", [3])
        tf.get_variable_scope().reuse_variables()
        again = tf.get_variable("weights", [3])
    assert isinstance(moving, tf.Variable)
    assert isinstance(trained, tf.Tensor)
    assert again is trained
