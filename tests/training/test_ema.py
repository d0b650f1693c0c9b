"""Moving averages of weights: the values of a training, and how it starts with and without them."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common import checkpoint_reader
from deployment import model_deploy
from deployment.config import DeploymentConfig
from tests.support import toy_training
from training import ema
from training.checkpoints import AVERAGE_SUFFIX
from training.ema import Averages
from training.options import OptimizerOptions, TrainOptions
from training.step_graph import build_step

NAMES = ("body/weights", "logits/biases", "body/moving_mean")


def _read(folder, step: int) -> dict[str, np.ndarray]:
    return toy_training.read(str(folder / f"model.ckpt-{step}"))


def _averages_of(values) -> dict[str, np.ndarray]:
    return {
        name.removesuffix(AVERAGE_SUFFIX): value
        for name, value in values.items()
        if name.endswith(AVERAGE_SUFFIX)
    }


def _follow(average, value, decay: float, step: int) -> np.ndarray:
    decay = min(decay, (1 + step) / (10 + step))
    return decay * np.asarray(average, np.float64) + (1 - decay) * value


def test_averages_follow_the_weights_that_a_warm_start_loaded(tmp_path):
    """Also batch norm's moving statistics; 0.3 is reached at the third step."""
    toy_training.train(tmp_path / "old", 2, ema_decay=0.9)
    logdir = tmp_path / "new"
    toy_training.train(
        logdir,
        6,
        ema_decay=0.3,
        initial_checkpoint=str(tmp_path / "old"),
        save_interval_secs=1e-9,
        max_checkpoints_to_keep=0,
        optimizer_options=OptimizerOptions(base_learning_rate=0.3),
    )

    expected = {name: _read(tmp_path / "old", 2)[name] for name in NAMES}
    for step in range(1, 7):
        values = _read(logdir, step)
        assert set(_averages_of(values)) == set(NAMES)
        for name in NAMES:
            expected[name] = _follow(expected[name], values[name], 0.3, step)
            np.testing.assert_allclose(
                values[name + AVERAGE_SUFFIX], expected[name], rtol=2e-6, err_msg=f"{name} {step}"
            )
            assert not np.allclose(values[name], expected[name], rtol=1e-3), (name, step)


@pytest.mark.parametrize("num_clones", [1, 2])
def test_a_resumed_training_of_clones_is_the_uninterrupted_one(tmp_path, num_clones):
    """Its data begin anew after 4 steps, which are once through the examples."""
    options = {"ema_decay": 0.9, "deployment": DeploymentConfig(num_clones, clone_on_cpu=True)}
    rate = OptimizerOptions(learning_power=0.0, base_learning_rate=0.1)
    toy_training.train(tmp_path / "start", 1, ema_decay=0.9, optimizer_options=rate)
    for logdir, stops in (("once", (9,)), ("twice", (5, 9))):
        for steps in stops:
            toy_training.train(
                tmp_path / logdir,
                steps,
                continue_checkpoint=str(tmp_path / "start"),
                optimizer_options=rate,
                **options,
            )

    once, twice = _read(tmp_path / "once", 9), _read(tmp_path / "twice", 9)
    for name, value in once.items():
        np.testing.assert_array_equal(value, twice[name], err_msg=name)
    first = _read(tmp_path / "start", 1)
    # Of the first step: 9/11 of the new weights, and the zero that the biases begin with.
    np.testing.assert_allclose(
        first["logits/biases" + AVERAGE_SUFFIX], first["logits/biases"] * 9 / 11, rtol=1e-6
    )


def test_a_resumed_training_goes_on_with_the_averages_of_its_checkpoint(tmp_path):
    toy_training.train(tmp_path, 3, ema_decay=0.9)
    toy_training.train(tmp_path, 4, ema_decay=0.9)

    before, after = _read(tmp_path, 3), _read(tmp_path, 4)
    for name in NAMES:
        expected = _follow(before[name + AVERAGE_SUFFIX], after[name], 0.9, 4)
        np.testing.assert_allclose(after[name + AVERAGE_SUFFIX], expected, rtol=2e-6)


def test_averages_of_one_shape_are_loaded_with_a_value_each():
    weights = [tf.get_variable(f"layer{index}/weights", [3, 2]) for index in range(2)]
    averages = Averages(weights, 0.9)
    values = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    with tf.Session() as session:
        checkpoint_reader.assign(session, zip(averages.variables, values, strict=True))
        np.testing.assert_array_equal(session.run(averages.variables), values)


@pytest.mark.parametrize("start", ["resume", "continue"])
def test_averages_that_a_checkpoint_lacks_start_from_its_weights(tmp_path, start):
    toy_training.train(tmp_path / "old", 3)
    lines = []
    logdir = tmp_path / ("old" if start == "resume" else "new")

    toy_training.train(
        logdir,
        4,
        ema_decay=0.2,
        continue_checkpoint=str(tmp_path / "old") if start == "continue" else None,
        report=lines.append,
    )

    assert lines[0].endswith(
        "model.ckpt-3 at step 3; it has no averages of its weights (ema_decay), so they start from "
        "the weights"
    )
    before, after = _read(tmp_path / "old", 3), _read(logdir, 4)
    for name in NAMES:
        expected = _follow(before[name], after[name], 0.2, 4)
        np.testing.assert_allclose(after[name + AVERAGE_SUFFIX], expected, rtol=2e-6)
    for name in ("body/weights/Momentum", "logits/biases/Momentum"):
        assert np.all(before[name] != after[name])


def test_a_training_without_averages_drops_them_and_says_so(tmp_path):
    toy_training.train(tmp_path, 2, ema_decay=0.9)
    lines = []

    toy_training.train(tmp_path, 3, report=lines.append)

    assert "warning: its averages of the weights are dropped, because ema_decay is 0" in lines[0]
    assert not _averages_of(_read(tmp_path, 3))


def test_another_network_is_refused_whether_or_not_there_are_averages(tmp_path):
    def other_network(batch):
        toy_training.build_clone(batch)
        tf.losses.add_loss(tf.reduce_sum(tf.get_variable("extra/weights", [2])))

    toy_training.train(tmp_path / "plain", 1)
    toy_training.train(tmp_path / "averaged", 1, ema_decay=0.9)
    for folder, message in (
        (
            "plain",
            r"optimizer: missing from the checkpoint: extra/weights, extra/weights/Momentum\.",
        ),
        (
            "averaged",
            r"missing from the checkpoint: extra/weights, extra/weights/ExponentialMovingAverage",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            toy_training.train(tmp_path / folder, 2, ema_decay=0.9, build_clone=other_network)


def test_a_step_that_is_refused_moves_no_average():
    options = TrainOptions("nowhere", train_batch_size=8, ema_decay=0.1)
    examples = toy_training.examples()
    examples["inputs"][0] = np.nan
    batches = tf.data.Dataset.from_tensor_slices(examples).batch(8)
    task = toy_training.ToyTask(open_batches=lambda batch_size, seed: batches)
    step = build_step(task, options, OptimizerOptions(), DeploymentConfig(), None)
    assert {each.op.name for each in step.network_variables} == set(NAMES)
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        session.run(step.averages.start)
        weights = session.run(step.network_variables[0])
        with pytest.raises(tf.errors.OpError):
            session.run(step.train_op)
        assert "the loss is not finite" in step.guard.finding
        np.testing.assert_array_equal(session.run(step.averages.variables[0]), weights)


@pytest.mark.parametrize(
    ("deployment", "device"),
    [
        (DeploymentConfig(2), "/device:CPU:0"),
        (DeploymentConfig(num_ps_tasks=1), "/job:ps/task:0/device:CPU:0"),
    ],
)
def test_an_average_lives_and_is_computed_where_its_variable_does(deployment, device):
    zeros = tf.zeros_initializer()
    with tf.device(model_deploy.device_function(deployment, deployment.clone_device(0))):
        variables = [
            tf.get_variable("weights", [2], initializer=zeros),
            tf.get_variable("count", [], tf.int64, initializer=zeros),
        ]
    with tf.device(model_deploy.device_function(deployment, deployment.optimizer_device())):
        network_averages = Averages(variables, 0.9)
        with tf.name_scope("step"):
            network_averages.update(variables[1])

    assert [each.op.name for each in network_averages.variables] == [f"weights{AVERAGE_SUFFIX}"]
    operations = tf.get_default_graph().get_operations()
    moved = [each for each in operations if each.type in ("ApplyGradientDescent", "Sub")]
    assert len(moved) == 2
    for operation in (network_averages.variables[0].op, *moved):
        assert operation.device == tf.DeviceSpec.from_string(device).to_string(), operation.name


@pytest.mark.parametrize("decay", [-0.1, 1.0, 1.5, float("nan")])
def test_impossible_decays_are_refused(tmp_path, decay):
    with pytest.raises(ValueError, match=rf"ema_decay is {decay}; expected 0 \(no averages\) to"):
        toy_training.train(tmp_path, 5, ema_decay=decay)


def test_averages_are_found_by_the_names_of_their_variables(tmp_path):
    toy_training.train(tmp_path / "plain", 1)
    toy_training.train(tmp_path / "averaged", 1, ema_decay=0.9)

    assert ema.saved_names(str(tmp_path / "averaged" / "model.ckpt-1")) == {
        name: name + AVERAGE_SUFFIX for name in NAMES
    }
    with pytest.raises(ValueError, match=r"model.ckpt-1 has no averages of its weights .*ema_deca"):
        ema.saved_names(str(tmp_path / "plain" / "model.ckpt-1"))
