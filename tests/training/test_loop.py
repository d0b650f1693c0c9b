"""The training loop on a linear model: its starts, its ends, and what it needs."""

import os
import re
import signal
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

from common import forward_session, memory
from deployment.config import DeploymentConfig
from nets import recomputation
from tests.support import command_runs, toy_process, toy_training
from tests.support.full_disk import full_disk
from tests.training.test_checkpoints import WEIGHTS, save
from training import checkpoints, loop
from training.loop import Start, TrainResult
from training.options import OptimizerOptions, TrainOptions


def _losses(lines: list[str]) -> list[str]:
    return [line.split("loss ")[1].split()[0] for line in lines if "loss " in line]


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
        weights.append(toy_training.read_step(tmp_path / run, 10))

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
    once, twice = (
        toy_training.read_step(tmp_path / "once", 8),
        toy_training.read_step(tmp_path / "twice", 8),
    )
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

    old, new = (
        toy_training.read_step(tmp_path / "old", 5),
        toy_training.read_step(tmp_path / "new", 1),
    )
    np.testing.assert_array_equal(new["body/weights"], old["body/weights"])
    assert new["logits/biases"] == 0.0
    assert not np.allclose(new["body/weights/Momentum"], old["body/weights/Momentum"])
    assert any("2 of 3 variables loaded" in line for line in lines)
    assert any("logits" in line and "excluded" in line for line in lines)


def test_finished_training_says_so_and_does_nothing(tmp_path):
    folder = tmp_path / "run"
    (tmp_path / "run_2").mkdir()
    toy_training.train(folder, 3)
    files, lines = toy_training.checkpoint_files(folder), []

    result = toy_training.train(folder, 3, report=lines.append)

    assert result == TrainResult(step=3, exit_status=0)
    assert len(lines) == 1
    assert lines[0].startswith("already finished")
    assert f"such as {folder}_3, and {folder} as tf_initial_checkpoint" in lines[0]
    assert toy_training.checkpoint_files(folder) == files


def test_logdir_of_another_network_is_refused_and_left_alone(tmp_path):
    toy_training.train(tmp_path, 3)
    files = toy_training.checkpoint_files(tmp_path)

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
    assert toy_training.checkpoint_files(tmp_path) == files


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


def test_where_memory_is_scarce_the_task_is_built_again_with_less(tmp_path, monkeypatch):
    asked = []

    def save_memory():
        asked.append(True)
        return "activations are computed again" if len(asked) == 1 else ""

    lines = []
    toy_training.train(tmp_path / "roomy", 1, save_memory=save_memory, report=lines.append)
    assert not asked
    assert not any(line.startswith("memory is scarce") for line in lines)

    lines.clear()
    monkeypatch.setattr(memory, "available_bytes", lambda with_swap=True: 1)
    toy_training.train(tmp_path / "tight", 1, save_memory=save_memory, report=lines.append)
    assert len(asked) == 2
    assert lines.count("memory is scarce: activations are computed again") == 1
    assert any("warning: A training step on 8 examples needs" in line for line in lines)
    assert any(line.split()[:2] == ["step", "1/1"] for line in lines), lines


def test_what_a_step_keeps_and_computes_again_is_told_after_how_the_run_starts(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(memory, "available_bytes", lambda with_swap=True: 2**33)
    lines = []
    toy_training.train(tmp_path / "run", 1, report=lines.append)
    assert lines[0] == "training from scratch"
    keeps, computes = lines[1].split(" and computes again: ")
    pattern = r"a step keeps \d KB or more for its backward pass \(8\.6 GB are free\)"
    assert re.fullmatch(pattern, keeps)
    assert computes == "nothing"

    lines.clear()
    monkeypatch.setattr(recomputation, "describe", lambda: "batch norm, copies")
    toy_training.train(tmp_path / "run", 2, report=lines.append)
    assert lines[0].startswith("resuming from")
    assert lines[1].endswith(" and computes again: batch norm, copies")


def test_memory_of_a_gpu_is_not_told(tmp_path, monkeypatch):
    monkeypatch.setattr(loop.tf.config, "list_physical_devices", lambda kind: ["a GPU"])
    monkeypatch.setattr(memory, "available_bytes", lambda with_swap=True: 1)
    lines = []
    toy_training.train(tmp_path, 1, save_memory=lambda: "not asked", report=lines.append)
    assert "a step computes again: nothing" in lines
    assert not any(line.startswith(("memory", "a step keeps", "warning")) for line in lines)


def test_step_that_cannot_fit_into_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "total_bytes", lambda: 50)
    monkeypatch.setattr(memory, "available_bytes", lambda with_swap=True: 50)
    message = (
        r"^A training step on 8 examples needs \d+ KB of memory or more.*Lower train_batch_size"
    )
    with pytest.raises(ValueError, match=message):
        toy_training.train(tmp_path / "new", 2)
    assert not (tmp_path / "new").exists()

    lines = []
    monkeypatch.setattr(memory, "total_bytes", lambda: 2000)
    toy_training.train(tmp_path / "new", 2, report=lines.append)
    assert any(line.startswith("warning: A training step on 8 examples needs") for line in lines)


def test_full_disk_is_told(tmp_path):
    with full_disk(), pytest.raises(OSError, match=r"summaries in .* Is the disk full\?"):
        toy_training.train(tmp_path, 2)


def test_folder_can_be_moved(tmp_path):
    toy_training.train(tmp_path / "before", 1)
    (tmp_path / "before").rename(tmp_path / "after")
    lines = []

    toy_training.train(tmp_path / "after", 2, report=lines.append)

    assert lines[0] == f"resuming from {tmp_path}/after/model.ckpt-1 at step 1"


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


def _wait_for_checkpoint(logdir, process) -> None:
    deadline = time.monotonic() + 60
    while checkpoints.latest_checkpoint(str(logdir)) is None:
        assert process.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_killed_training_goes_on_from_its_last_checkpoint(tmp_path, number):
    logdir = tmp_path / "run"
    with command_runs.started(
        toy_process.__file__, str(logdir), "100000", cwd=tmp_path
    ) as training:
        _wait_for_checkpoint(logdir, training.process)
        os.kill(training.process.pid, number)
        training.process.join(60)
        status, output, errors = training.process.exitcode, training.stdout(), training.stderr()

    newest = checkpoints.latest_checkpoint(str(logdir))
    step = checkpoints.read_step(newest)
    if number == signal.SIGKILL:
        assert status == -number
    else:
        assert status == 128 + number
        assert f"{signal.Signals(number).name}: finishing this step" in output + errors
        assert output.endswith(f"saved {newest}\n")
        assert f"step {step:>6}/100000" in output
        assert f"step {step + 1:>6}/100000" not in output
    lines = []
    result = toy_training.train(logdir, step + 2, report=lines.append)
    assert lines[0] == f"resuming from {newest} at step {step}"
    assert result == TrainResult(step=step + 2, exit_status=0)


@pytest.mark.parametrize(
    ("batch_size", "num_clones", "is_slow", "is_off"),
    [(1, 1, True, True), (2, 2, True, True), (2, 1, True, False), (1, 1, False, False)],
)
def test_a_clone_with_one_image_does_without_a_fusion_that_is_slow_then(
    tmp_path, monkeypatch, batch_size, num_clones, is_slow, is_off
):
    monkeypatch.setattr(forward_session, "is_fusion_slow", lambda: is_slow)
    options = TrainOptions(str(tmp_path), train_batch_size=batch_size)
    config = loop.session_config(DeploymentConfig(num_clones), options)
    remapping = config.graph_options.rewrite_options.remapping
    assert (remapping == RewriterConfig.OFF) == is_off
