"""training.pace: steps are done and timed, and nothing is kept."""

import pytest
import tensorflow.compat.v1 as tf

from deployment.config import DeploymentConfig
from tests.support import toy_training
from training import pace
from training.options import OptimizerOptions, TrainOptions


def measure(tmp_path, batch_size=8, num_clones=1, **replaced) -> float:
    return pace.measure(
        toy_training.ToyTask(**replaced),
        TrainOptions(train_logdir=str(tmp_path / "run"), train_batch_size=batch_size),
        OptimizerOptions(),
        DeploymentConfig(num_clones, clone_on_cpu=True),
    )


def test_the_time_of_a_step_is_measured_and_nothing_is_written(tmp_path):
    assert 0 < measure(tmp_path, num_clones=2) < 10
    assert not list(tmp_path.iterdir())


def test_errors_are_those_of_training(tmp_path):
    with pytest.raises(ValueError, match="7"):
        measure(tmp_path, batch_size=7, num_clones=2)

    def broken(batch_size, seed):
        check = tf.debugging.Assert(False, ["broken image"])
        return toy_training.dataset(batch_size).map(lambda batch: _after(check, batch))

    def explain(error):
        return ValueError(f"explained: {type(error).__name__}")

    with pytest.raises(ValueError, match="explained: InvalidArgumentError"):
        measure(tmp_path, open_batches=broken, explain_error=explain)


def _after(check, batch):
    del check
    failed = tf.debugging.assert_equal(1, tf.shape(batch["inputs"])[0], message="broken image")
    with tf.control_dependencies([failed] if failed is not None else []):
        return {name: tf.identity(value) for name, value in batch.items()}
