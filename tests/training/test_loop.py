"""The training loop on a linear model: values of its updates, starts, ends, and what it saves."""

import contextlib
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common import memory
from deployment.config import DeploymentConfig
from tests.support import toy_process, toy_training
from tests.training.test_checkpoints import WEIGHTS, save
from training import checkpoints, loop, summaries
from training.checkpointer import Checkpointer
from training.loop import Start, TrainResult
from training.nan_guard import NonFiniteError
from training.options import OptimizerOptions, TrainOptions
from training.step import StepFunction


def _files(folder) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.name.startswith(("model.ckpt", "checkpoint"))
    }


def _losses(lines: list[str]) -> list[str]:
    return [line.split("loss ")[1].split()[0] for line in lines if "loss " in line]


def _weights(folder, step: int) -> dict[str, np.ndarray]:
    return toy_training.read(str(folder / f"model.ckpt-{step}"))


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
    before = _weights(tmp_path, 1)
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
    after = _weights(tmp_path, 2)
    for name, value in expected.items():
        np.testing.assert_allclose(after[name], value, rtol=1e-5, err_msg=name)
    assert after["global_step"] == 2


def test_what_is_not_in_trainable_scopes_stays_as_it_is(tmp_path):
    for steps in (1, 3):
        toy_training.train(tmp_path, steps, trainable_scopes=("logits",))

    before, after = (_weights(tmp_path, step) for step in (1, 3))
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
        results.append(_weights(logdir, 6))

    for name in ("body/weights", "logits/biases", "body/weights/Momentum"):
        np.testing.assert_allclose(results[0][name], results[1][name], rtol=1e-5, err_msg=name)


def test_a_seed_decides_all_values(tmp_path):
    weights, losses = [], []
    for run in ("first", "second"):
        lines = []
        toy_training.train(
            tmp_path / run,
            10,
            open_batches=lambda batch_size, seed: toy_training.dataset(8, seed=4),
            deployment=DeploymentConfig(2, clone_on_cpu=True),
            report=lines.append,
        )
        losses.append(_losses(lines))
        weights.append(_weights(tmp_path / run, 10))

    assert len(losses[0]) == 10
    assert losses[0] == losses[1]
    for name, value in weights[0].items():
        np.testing.assert_array_equal(value, weights[1][name], err_msg=name)


def test_resumed_training_goes_on_where_it_was(tmp_path):
    lines, seeds = [], []

    def open_batches(batch_size, seed):
        seeds.append(seed)
        return toy_training.dataset(8)

    toy_training.train(tmp_path / "once", 4)
    # The data begin anew after each start: batches are 4 steps apart, and so are the restarts.
    toy_training.train(tmp_path / "once", 8)
    toy_training.train(tmp_path / "twice", 4)
    result = toy_training.train(
        tmp_path / "twice", 8, open_batches=open_batches, report=lines.append
    )

    assert result == TrainResult(step=8, exit_status=0)
    assert seeds == [1 + 4]
    assert lines[0] == f"resuming from {tmp_path}/twice/model.ckpt-4 at step 4"
    assert [line.split()[1] for line in lines if "loss" in line] == ["5/8", "6/8", "7/8", "8/8"]
    once, twice = _weights(tmp_path / "once", 8), _weights(tmp_path / "twice", 8)
    np.testing.assert_array_equal(once["body/weights"], twice["body/weights"])


def test_own_checkpoint_beats_the_initial_one_and_says_so(tmp_path):
    toy_training.train(tmp_path / "own", 2)
    toy_training.train(tmp_path / "other", 2)
    lines = []

    toy_training.train(
        tmp_path / "own", 3, initial_checkpoint=str(tmp_path / "other"), report=lines.append
    )

    assert lines[0].startswith("resuming from")
    assert "is not used, because" in lines[1]
    assert str(tmp_path / "other") in lines[1]


def test_warm_start_takes_weights_but_neither_step_nor_momentum(tmp_path):
    toy_training.train(tmp_path / "old", 5)
    lines = []

    toy_training.train(
        tmp_path / "new",
        1,
        initial_checkpoint=str(tmp_path / "old"),
        exclude_scopes=("logits",),
        optimizer_options=OptimizerOptions(base_learning_rate=0.0),
        report=lines.append,
    )

    old, new = _weights(tmp_path / "old", 5), _weights(tmp_path / "new", 1)
    np.testing.assert_array_equal(new["body/weights"], old["body/weights"])
    assert new["logits/biases"] == 0.0
    assert not np.allclose(new["body/weights/Momentum"], old["body/weights/Momentum"])
    assert "2 of 3 variables loaded" in lines[0]
    assert any("logits" in line and "excluded" in line for line in lines)


def test_finished_training_says_so_and_does_nothing(tmp_path):
    toy_training.train(tmp_path, 3)
    files, lines = _files(tmp_path), []

    result = toy_training.train(tmp_path, 3, report=lines.append)

    assert result == TrainResult(step=3, exit_status=0)
    assert len(lines) == 1
    assert lines[0].startswith("already finished")
    assert _files(tmp_path) == files


def test_logdir_of_another_network_is_refused_and_left_alone(tmp_path):
    toy_training.train(tmp_path, 3)
    files = _files(tmp_path)

    def other_network(batch):
        toy_training.build_clone(batch)
        tf.losses.add_loss(tf.reduce_sum(tf.get_variable("extra/weights", [2])))

    with pytest.raises(
        ValueError,
        match=r"model.ckpt-3 belongs to another .*missing from the checkpoint: extra/weights",
    ):
        toy_training.train(tmp_path, 5, build_clone=other_network)
    with pytest.raises(ValueError, match=r"another network or optimizer: missing .*/Adam,"):
        toy_training.train(tmp_path, 5, optimizer_options=OptimizerOptions(optimizer="adam"))
    assert _files(tmp_path) == files


def test_nothing_is_made_when_the_start_fails(tmp_path):
    made = []

    with pytest.raises(ValueError, match="nowhere does not exist"):
        toy_training.train(
            tmp_path / "new",
            5,
            initial_checkpoint=str(tmp_path / "nowhere"),
            write_beside_checkpoints=made.append,
        )

    assert not made
    assert not (tmp_path / "new").exists()


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
    files = _files(tmp_path)

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
    assert _files(tmp_path) == files
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


def test_update_that_overflows_is_not_saved(tmp_path):
    toy_training.train(tmp_path, 1)
    files = _files(tmp_path)

    with pytest.raises(NonFiniteError, match=r"step 2: .* variables hold values .*body/weights"):
        toy_training.train(
            tmp_path,
            2,
            optimizer_options=OptimizerOptions(base_learning_rate=3e38, learning_power=0.0),
        )

    assert _files(tmp_path) == files


def test_checkpoints_beyond_the_limit_are_removed_those_of_earlier_runs_too(tmp_path):
    for steps in (1, 2, 3):
        toy_training.train(tmp_path, steps, max_checkpoints_to_keep=2)

    assert sorted(path.name for path in tmp_path.glob("*.index")) == [
        "model.ckpt-2.index",
        "model.ckpt-3.index",
    ]


def test_start_is_the_first_way_that_applies(tmp_path):
    own, other, weights = (str(tmp_path / name) for name in ("own", "other", "weights"))
    continued = save(other, 40, WEIGHTS)
    initial = save(weights, None, WEIGHTS)

    def start(continue_checkpoint=None, initial_checkpoint=None):
        return loop.find_start(
            TrainOptions(
                own,
                continue_checkpoint=continue_checkpoint,
                initial_checkpoint=initial_checkpoint,
            )
        )

    assert start() == Start("scratch", "", 0)
    assert start(None, weights) == Start("warm start", initial, 0)
    assert start(other, weights) == Start("continue", continued, 40)
    resumed = save(own, 7, WEIGHTS)
    assert start(other, weights) == Start("resume", resumed, 7)


@contextlib.contextmanager
def _full_disk():
    """Lets no file of this process grow beyond 50 bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def _failing(at_step: int, message: str = "lost"):
    """Returns a clone function whose backward pass fails in a step of the run."""
    calls = []

    def build_clone(batch):
        def fail(value):
            calls.append(value)
            if len(calls) == at_step:
                raise RuntimeError(message)
            return value

        @tf.custom_gradient
        def poisoned(inputs):
            def gradient(upstream):
                passed = tf.py_func(fail, [upstream], tf.float32)
                passed.set_shape(upstream.shape)
                return passed

            return tf.identity(inputs), gradient

        bias = tf.get_variable("body/offset", [3], initializer=tf.zeros_initializer())
        toy_training.build_clone({**batch, "inputs": poisoned(batch["inputs"] + bias)})

    return build_clone


def _same(folder, step: int, expected_folder) -> None:
    found, expected = _weights(folder, step), _weights(expected_folder, step)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.parametrize("averaged", [False, True])
def test_error_in_a_step_saves_what_was_done_before_it(tmp_path, averaged):
    """All variables are those after the last whole step, moving statistics and averages too."""
    options = {"ema_decay": 0.9} if averaged else {}
    schedule = OptimizerOptions(base_learning_rate=0.01, learning_policy="step")
    options["optimizer_options"] = schedule
    lines = []
    with pytest.raises(ValueError, match=r"^step 4: .*lost"):
        toy_training.train(
            tmp_path / "failed", 9, build_clone=_failing(4), report=lines.append, **options
        )
    toy_training.train(tmp_path / "ended", 3, build_clone=_failing(0), **options)

    assert lines[-1] == f"saved {tmp_path}/failed/model.ckpt-3, the steps before the error"
    _same(tmp_path / "failed", 3, tmp_path / "ended")


def test_error_of_the_input_saves_what_was_done_before_it(tmp_path):
    def open_batches(batch_size, seed):
        batches = toy_training.dataset(8).enumerate()
        return batches.map(
            lambda number, batch: {
                **batch,
                "inputs": tf.debugging.check_numerics(
                    tf.where(number < 2, batch["inputs"], batch["inputs"] / 0.0), "broken"
                ),
            }
        )

    schedule = OptimizerOptions(base_learning_rate=0.01, learning_policy="step")
    with pytest.raises(ValueError, match=r"^step 3: .*broken"):
        toy_training.train(
            tmp_path / "failed", 9, open_batches=open_batches, optimizer_options=schedule
        )
    toy_training.train(tmp_path / "ended", 2, optimizer_options=schedule)

    _same(tmp_path / "failed", 2, tmp_path / "ended")


def test_summary_that_cannot_be_written_costs_no_step(tmp_path, monkeypatch):
    def fail(self, scalars, step):
        if step == 3:
            raise OSError("summaries in x cannot be written")

    monkeypatch.setattr(summaries.SummaryWriter, "add_scalars", fail)
    with pytest.raises(OSError, match=r"^summaries in x cannot be written$"):
        toy_training.train(tmp_path, 9)

    assert checkpoints.read_step(checkpoints.latest_checkpoint(str(tmp_path))) == 3


def test_first_step_that_fails_and_an_update_that_is_half_done_are_not_saved(tmp_path):
    with pytest.raises(ValueError, match=r"^step 1: .*lost"):
        toy_training.train(tmp_path / "first", 9, build_clone=_failing(1))
    assert checkpoints.latest_checkpoint(str(tmp_path / "first")) is None

    def breaking_update(batch):
        toy_training.build_clone(batch)
        calls = []

        def fail(step):
            calls.append(step)
            if len(calls) == 3:
                raise RuntimeError("in the update")
            return step

        # It waits for the other updates, as averages do.
        (update,) = tf.get_collection_ref(tf.GraphKeys.UPDATE_OPS)
        with tf.control_dependencies([update]):
            tf.add_to_collection(
                tf.GraphKeys.UPDATE_OPS,
                tf.py_func(fail, [np.float32(0)], tf.float32, stateful=True),
            )

    lines = []
    with pytest.raises(ValueError, match="in the update"):
        toy_training.train(tmp_path / "half", 9, build_clone=breaking_update, report=lines.append)
    assert lines[-1].startswith(
        "step 3 failed in the middle of its update, so the variables are not"
    )
    assert lines[-1].endswith("No checkpoint was saved before.")
    assert checkpoints.latest_checkpoint(str(tmp_path / "half")) is None


def test_error_that_saving_meets_does_not_hide_the_first_one(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.train.Saver, "save", full)
    lines = []
    with pytest.raises(ValueError, match=r"^step 4: .*lost"):
        toy_training.train(tmp_path, 9, build_clone=_failing(4), report=lines.append)
    assert lines[-1].startswith("the steps before the error cannot be saved: checkpoint ")
    assert "model.ckpt-3 cannot be written (No space left on device)" in lines[-1]


def test_steps_share_one_set_of_fetches_unless_summaries_are_large(tmp_path, monkeypatch):
    """TensorFlow prepares the graph for every set anew, which takes seconds."""
    fetched = []
    run = StepFunction._run

    def record(self, session, fetches):
        fetched.append(frozenset(fetches))
        return run(self, session, fetches)

    monkeypatch.setattr(StepFunction, "_run", record)
    toy_training.train(tmp_path / "numbers", 4)
    assert len(fetched) == 4
    assert len(set(fetched)) == 1
    fetched.clear()
    toy_training.train(tmp_path / "none", 4, save_summaries_secs=0)
    assert set(fetched) == {frozenset({"loss", "step", "learning_rate", "data_wait_secs"})}
    fetched.clear()
    toy_training.train(tmp_path / "histograms", 4, save_histograms=True)
    assert ["summaries" in each for each in fetched] == [True, False, False, True]


def test_step_that_cannot_fit_into_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "total_bytes", lambda: 50)
    monkeypatch.setattr(memory, "available_bytes", lambda: 50)
    message = r"^A training step on 8 examples needs 0 MB of memory or more.*Lower train_batch_size"
    with pytest.raises(ValueError, match=message):
        toy_training.train(tmp_path / "new", 2)
    assert not (tmp_path / "new").exists()

    lines = []
    monkeypatch.setattr(memory, "total_bytes", lambda: 2000)
    toy_training.train(tmp_path / "new", 2, report=lines.append)
    assert any(line.startswith("warning: A training step on 8 examples needs") for line in lines)


def test_full_disk_is_told(tmp_path):
    with _full_disk(), pytest.raises(OSError, match=r"summaries in .* Is the disk full\?"):
        toy_training.train(tmp_path, 2)


def test_checkpoint_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    tf.get_variable("weights", initializer=np.ones(100, np.float32))
    checkpointer = Checkpointer(str(tmp_path), max_checkpoints_to_keep=5)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        checkpointer.save(session, 1)
        files = _files(tmp_path)

        with (
            _full_disk(),
            pytest.raises(
                OSError,
                match=rf"-2 cannot .* disk full\? The last good .* {tmp_path}/model.ckpt-1\.",
            ),
        ):
            checkpointer.save(session, 2)

    assert _files(tmp_path) == files
    assert checkpointer.newest == str(tmp_path / "model.ckpt-1")


def test_folder_can_be_moved(tmp_path):
    toy_training.train(tmp_path / "before", 1)
    (tmp_path / "before").rename(tmp_path / "after")
    lines = []

    toy_training.train(tmp_path / "after", 2, report=lines.append)

    assert lines[0] == f"resuming from {tmp_path}/after/model.ckpt-1 at step 1"


def test_error_of_a_step_is_explained_by_the_task(tmp_path):
    def open_batches(batch_size, seed):
        return toy_training.dataset(8).map(break_inputs)

    def break_inputs(batch):
        return {**batch, "inputs": tf.debugging.check_numerics(batch["inputs"] / 0.0, "broken")}

    def explain(error):
        return ValueError("image x.jpg is broken.") if "broken" in error.message else None

    with pytest.raises(ValueError, match=r"^image x\.jpg is broken\.$"):
        toy_training.train(tmp_path, 2, open_batches=open_batches, explain_error=explain)
    with pytest.raises(ValueError, match=r"^step 1: .*broken : Tensor had"):
        toy_training.train(tmp_path, 2, open_batches=open_batches)


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


def test_a_training_that_is_bound_by_its_input_says_so(tmp_path):
    def slow_dataset(batch_size, seed):
        def wait(name):
            time.sleep(0.03)
            return name

        return toy_training.dataset(8).map(
            lambda batch: {**batch, "name": tf.py_func(wait, [batch["name"]], tf.string)}
        )

    lines = []
    toy_training.train(tmp_path, 16, open_batches=slow_dataset, report=lines.append, log_steps=15)
    shares = [int(line.split("data ")[1].split("%")[0]) for line in lines if "  data " in line]
    assert shares
    assert min(shares) > 50
    assert sum("it is bound by its input" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"log_steps": 0}, "log_steps is 0; expected 1 or more"),
        ({"clip_gradient_norm": -1.0}, "clip_gradient_norm is -1.0; expected 0 or more"),
        ({"train_batch_size": 9, "deployment": DeploymentConfig(2)}, "batch of 9 .* 2 clones"),
    ],
)
def test_impossible_options_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        toy_training.train(tmp_path, 5, **options)


def _start(logdir, steps: int, log) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, toy_process.__file__, str(logdir), str(steps)],
        stdout=log,
        stderr=subprocess.STDOUT,
    )


def _wait_for_checkpoint(logdir, process) -> None:
    deadline = time.monotonic() + 60
    while checkpoints.latest_checkpoint(str(logdir)) is None:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_killed_training_goes_on_from_its_last_checkpoint(tmp_path, number):
    logdir = tmp_path / "run"
    with open(tmp_path / "log", "w+") as log:
        process = _start(logdir, 100000, log)
        _wait_for_checkpoint(logdir, process)
        process.send_signal(number)
        status = process.wait(60)
        log.seek(0)
        output = log.read()

    newest = checkpoints.latest_checkpoint(str(logdir))
    step = checkpoints.read_step(newest)
    if number == signal.SIGKILL:
        assert status == -number
    else:
        assert status == 128 + number
        assert f"{signal.Signals(number).name}: finishing this step" in output
        assert output.endswith(f"saved {newest}\n")
        assert f"step {step:>6}/100000" in output
        assert f"step {step + 1:>6}/100000" not in output
    lines = []
    result = toy_training.train(logdir, step + 2, report=lines.append)
    assert lines[0] == f"resuming from {newest} at step {step}"
    assert result == TrainResult(step=step + 2, exit_status=0)
