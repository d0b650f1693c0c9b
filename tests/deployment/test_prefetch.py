"""Batches that are staged a step ahead: each is taken once, in order, by the clone it is for."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment import model_deploy
from deployment.config import DeploymentConfig
from deployment.prefetch import Prefetch
from tests.support import toy_training


def test_batches_come_out_as_they_went_in():
    config = DeploymentConfig(2, clone_on_cpu=True)
    with tf.Graph().as_default(), tf.Session() as session:
        numbers = tf.placeholder(tf.float32, [4, 3])
        batch = {"x": numbers, "name": tf.as_string(numbers[:, 0]), "id": tf.to_int32(numbers)}
        shares = model_deploy.split_batch(config, batch)
        prefetch = Prefetch(config, shares)
        put, take, clear = prefetch.put(shares), prefetch.take(), prefetch.clear()
        assert take[0]["x"].shape.as_list() == [2, 3]
        for first in (0, 100, 200):
            session.run(put, {numbers: np.arange(12.0).reshape(4, 3) + first})
        one, two = session.run(take)
        np.testing.assert_array_equal(one["x"], [[0, 1, 2], [3, 4, 5]])
        np.testing.assert_array_equal(two["id"], [[6, 7, 8], [9, 10, 11]])
        assert two["name"].tolist() == [b"6.000000", b"9.000000"]
        assert session.run(take)[0]["x"][0, 0] == 100
        session.run(clear)
        session.run(put, {numbers: np.full([4, 3], 7.0)})
        assert session.run(take)[1]["x"][0, 0] == 7


def test_floats_lie_on_the_clone_s_device_and_the_rest_on_the_cpu():
    config = DeploymentConfig(2)
    shares = [{"x": tf.zeros([1, 2]), "name": tf.constant(["a"])} for _ in range(2)]
    Prefetch(config, shares).take()
    devices = [op.device for op in tf.get_default_graph().get_operations() if op.type == "Unstage"]
    assert devices == ["/device:GPU:0", "/device:CPU:0", "/device:GPU:1", "/device:CPU:0"]


@pytest.mark.parametrize("num_clones", [1, 2])
def test_a_training_is_the_same(tmp_path, num_clones):
    for prefetch in (False, True):
        result = toy_training.train(
            tmp_path / str(prefetch),
            6,
            deployment=DeploymentConfig(num_clones, clone_on_cpu=True, prefetch_to_clones=prefetch),
            open_batches=lambda batch_size, seed: toy_training.dataset(8, seed=3),
        )
        assert result.step == 6
    without, ahead = (
        toy_training.read(str(tmp_path / name / "model.ckpt-6")) for name in ("False", "True")
    )
    for name, value in without.items():
        np.testing.assert_allclose(ahead[name], value, rtol=1e-6, err_msg=name)


def test_a_failing_step_names_its_own_batch(tmp_path):
    def failing(batch):
        toy_training.build_clone(batch)
        is_third = tf.reduce_any(tf.equal(batch["name"], "example_16"))
        tf.losses.add_loss(tf.where(is_third, np.float32(np.inf), 0.0))

    with pytest.raises(ValueError, match=r"examples: example_16, .*example_23[.]"):
        toy_training.train(
            tmp_path,
            6,
            build_clone=failing,
            deployment=DeploymentConfig(2, clone_on_cpu=True, prefetch_to_clones=True),
        )
