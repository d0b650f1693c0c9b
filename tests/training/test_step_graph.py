"""The graph of a training step: its update by value, its check, and its summaries."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.config import DeploymentConfig
from tests.support import toy_training
from training import checkpoints
from training.nan_guard import NonFiniteError


def _step_by_hand(before, batch, *, rate, momentum=0.9, last_layer=1.0, clip=0.0, bias=2.0):
    """Returns what the variables are after a step, computed with numpy."""
    inputs, targets = batch["inputs"], batch["targets"]
    weights, biases = before["body/weights"], before["logits/biases"]
    errors = inputs @ weights + biases - targets
    gradients = {
        "body/weights": 2 * inputs.T @ errors / len(inputs) + toy_training.WEIGHT_DECAY * weights,
        "logits/biases": 2 * errors.mean(axis=0) * bias * last_layer,
    }
    norm = np.sqrt(sum(np.sum(gradient**2) for gradient in gradients.values()))
    after = {}
    for name, gradient in gradients.items():
        if clip and norm > clip:
            gradient = gradient * clip / norm
        after[f"{name}/Momentum"] = momentum * before[f"{name}/Momentum"] + gradient
        after[name] = before[name] - rate * after[f"{name}/Momentum"]
    after["body/moving_mean"] = 0.5 * (before["body/moving_mean"] + inputs.mean(axis=0))
    return after


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"last_layer_scopes": ("logits",), "last_layer_gradient_multiplier": 10.0},
        {"clip_gradient_norm": 0.5},
        {"bias_gradient_multiplier": 1.0},
    ],
)
def test_a_step_does_what_its_options_say(tmp_path, options):
    toy_training.train(tmp_path, 1, **options)
    before = toy_training.read_step(tmp_path, 1)
    batch = {name: values[:8] for name, values in toy_training.examples().items()}

    toy_training.train(tmp_path, 2, **options)

    expected = _step_by_hand(
        before,
        batch,
        rate=0.01 * (1 - 1 / 2) ** 0.9,
        last_layer=options.get("last_layer_gradient_multiplier", 1.0),
        clip=options.get("clip_gradient_norm", 0.0),
        bias=options.get("bias_gradient_multiplier", 2.0),
    )
    after = toy_training.read_step(tmp_path, 2)
    for name, value in expected.items():
        np.testing.assert_allclose(after[name], value, rtol=1e-5, err_msg=name)
    assert after["global_step"] == 2


def test_what_is_not_in_trainable_scopes_stays_as_it_is(tmp_path):
    for steps in (1, 3):
        toy_training.train(tmp_path, steps, trainable_scopes=("logits",))

    before, after = (toy_training.read_step(tmp_path, step) for step in (1, 3))
    np.testing.assert_array_equal(before["body/weights"], after["body/weights"])
    assert before["logits/biases"] != after["logits/biases"]
    assert "body/weights/Momentum" not in after


def test_clones_train_to_the_weights_of_one_network(tmp_path):
    results = []
    toy_training.train(tmp_path / "start", 1)
    for num_clones in (1, 4):
        logdir = tmp_path / str(num_clones)
        toy_training.train(
            logdir,
            6,
            continue_checkpoint=str(tmp_path / "start"),
            deployment=DeploymentConfig(num_clones, clone_on_cpu=True),
        )
        results.append(toy_training.read_step(logdir, 6))

    for name in ("body/weights", "logits/biases", "body/weights/Momentum"):
        np.testing.assert_allclose(results[0][name], results[1][name], rtol=1e-5, err_msg=name)


def _poisoned(value: float):
    """Returns a dataset function whose batch of step 3 has an example that is not finite."""

    def open_batches(batch_size, seed):
        examples = toy_training.examples()
        examples["inputs"][17] = value
        return tf.data.Dataset.from_tensor_slices(examples).batch(8).repeat()

    return open_batches


@pytest.mark.parametrize("num_clones", [1, 2])
def test_loss_that_is_not_finite_stops_before_the_update(tmp_path, num_clones):
    toy_training.train(tmp_path, 1)
    files = toy_training.checkpoint_files(tmp_path)

    with pytest.raises(NonFiniteError) as failure:
        toy_training.train(
            tmp_path,
            9,
            open_batches=_poisoned(np.nan),
            deployment=DeploymentConfig(num_clones, clone_on_cpu=True),
        )

    message = str(failure.value)
    assert message.startswith("step 4: the loss is not finite (nan); examples: example_16, ")
    assert "example_23. " in message
    assert "example_15" not in message
    assert "example_24" not in message
    assert f"The last good checkpoint is {tmp_path}/model.ckpt-1." in message
    assert toy_training.checkpoint_files(tmp_path) == files
    assert "\n" not in message


def test_gradient_that_is_not_finite_stops_too(tmp_path):
    def steep(batch):
        toy_training.build_clone(batch)
        with tf.variable_scope(tf.get_variable_scope(), reuse=True):
            weights = tf.get_variable("body/weights", [3, 1])
        tf.losses.add_loss(tf.reduce_sum(tf.sqrt(0.0 * weights)))

    with pytest.raises(NonFiniteError, match=r"step 1: the loss is \d.*gradients are not finite"):
        toy_training.train(tmp_path, 9, build_clone=steep)
    assert checkpoints.latest_checkpoint(str(tmp_path)) is None


def test_summaries_hold_losses_learning_rate_and_histograms(tmp_path):
    toy_training.train(tmp_path, 2, save_histograms=True)

    (events,) = tmp_path.glob("events*")
    values = {}
    for event in tf.train.summary_iterator(str(events)):
        for value in event.summary.value:
            values[value.tag, event.step] = value
    assert {tag for tag, step in values if step == 2} == {
        "squared_error",
        "losses/total_loss",
        "losses/gradient_norm",
        "learning_rate",
        "histograms/body/weights",
        "histograms/logits/biases",
        "progress/loss",
        "progress/learning_rate",
        "progress/images_per_sec",
        "progress/data_wait",
    }
    assert values["learning_rate", 1].simple_value == pytest.approx(0.01)
    assert values["progress/learning_rate", 2].simple_value == pytest.approx(0.01 * 0.5**0.9)
    assert values["losses/total_loss", 2].simple_value == values["progress/loss", 2].simple_value


def test_ops_that_wait_for_all_updates_have_an_edge_each(tmp_path):
    """An edge to each update for each op took a third of TensorFlow's preparation of a step."""
    graphs = []

    def with_statistics(batch):
        toy_training.build_clone(batch)
        graphs.append(tf.get_default_graph())
        for number in range(50):
            mean = tf.get_variable(f"mean_{number}", [], trainable=False)
            update = tf.assign_sub(mean, 0.5 * (mean - tf.reduce_mean(batch["inputs"])))
            tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)

    toy_training.train(tmp_path, 1, ema_decay=0.9, build_clone=with_statistics)
    operations = graphs[0].get_operations()
    averaging = [each for each in operations if each.type == "ApplyGradientDescent"]
    assert len(averaging) == 53
    assert sum(len(each.control_inputs) for each in operations) < 2 * len(operations)
