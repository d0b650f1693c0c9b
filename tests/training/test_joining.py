"""How workers of a cluster begin, on servers that hold nothing, a training, or another one."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment import model_deploy, shared_state
from deployment.servers import ServerLostError
from deployment.shared_state import SharedState
from tests.support import toy_training
from tests.support.loopback_cluster import LoopbackCluster
from training import checkpoints, joining
from training.checkpointer import Checkpointer
from training.options import OptimizerOptions

STILL = OptimizerOptions(base_learning_rate=0.0)
WEIGHTS = np.array([[7.0], [8.0], [9.0]], np.float32)


@pytest.fixture(scope="module")
def processes():
    return LoopbackCluster()


@pytest.fixture
def cluster(processes):
    processes.empty()
    return processes


def _train(cluster, logdir, steps, *, worker=0, report=lambda line: None, **changes):
    return toy_training.train(
        logdir,
        steps,
        report=report,
        deployment=cluster.deployment(worker),
        master=cluster.target("worker", worker),
        **changes,
    )


def _set_on_server(cluster, weights: np.ndarray, step: int) -> None:
    """Sets weights and step count, as steps of another worker do."""
    with tf.Graph().as_default():
        with tf.device(shared_state.server_device(0)):
            variables = [
                tf.get_variable("body/weights", [3, 1], use_resource=False),
                tf.get_variable("global_step", [], tf.int64, use_resource=False),
            ]
        assign = [
            tf.assign(each, value).op
            for each, value in zip(variables, (weights, step), strict=True)
        ]
        with tf.Session(cluster.target("worker"), config=cluster.config()) as session:
            session.run(assign)


def _set_phase(cluster, value: int) -> None:
    with tf.Graph().as_default():
        phase = shared_state.phase_variable(0)
        assign = tf.assign(phase, value)
        with tf.Session(cluster.target("worker"), config=cluster.config()) as session:
            session.run(assign.op)


def _weights(logdir, step: int) -> np.ndarray:
    return toy_training.read(str(logdir / f"model.ckpt-{step}"))["body/weights"]


def test_a_chief_that_comes_back_goes_on_from_what_the_servers_hold(cluster, tmp_path):
    _train(cluster, tmp_path, 3)
    _set_on_server(cluster, WEIGHTS, 20)
    lines = []

    result = _train(cluster, tmp_path, 21, report=lines.append, optimizer_options=STILL)

    assert result.step == 21
    assert any("hold this training run at step 20: going on from there" in line for line in lines)
    np.testing.assert_array_equal(_weights(tmp_path, 21), WEIGHTS)
    # The checkpoint of before counts towards max_checkpoints_to_keep.
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert len(state.all_model_checkpoint_paths) == 2


def test_a_chief_that_comes_back_before_the_first_checkpoint_goes_on_too(cluster, tmp_path):
    _train(cluster, tmp_path, 3)
    for path in tmp_path.iterdir():
        path.unlink()
    _set_on_server(cluster, WEIGHTS, 20)

    _train(cluster, tmp_path, 21, optimizer_options=STILL)

    np.testing.assert_array_equal(_weights(tmp_path, 21), WEIGHTS)


def test_no_worker_joins_before_the_checkpoint_is_restored(cluster, tmp_path, monkeypatch):
    _train(cluster, tmp_path, 3)
    cluster.empty()
    restore, missing = Checkpointer.restore, []

    def look_and_restore(self, session, checkpoint):
        missing.append(_missing(cluster))
        restore(self, session, checkpoint)
        missing.append(_missing(cluster))

    monkeypatch.setattr(Checkpointer, "restore", look_and_restore)
    assert len(_missing(cluster)) > 1

    _train(cluster, tmp_path, 4, optimizer_options=STILL)

    # All variables are initialized there, and that is not enough.
    assert missing == [[b"shared_state/record"], [b"shared_state/record"]]
    assert _missing(cluster) == []
    np.testing.assert_array_equal(_weights(tmp_path, 4), _weights(tmp_path, 3))


def _missing(cluster) -> list[bytes]:
    """Returns what another worker misses."""
    with tf.Graph().as_default():
        deployment = cluster.deployment(1)
        with tf.device(model_deploy.device_function(deployment, "")):
            variables = [
                tf.get_variable("body/weights", [3, 1], use_resource=False),
                tf.get_variable("global_step", [], tf.int64, use_resource=False),
            ]
        shared = SharedState(deployment, variables)
        with tf.Session(cluster.target("worker", 1), config=cluster.config(1)) as session:
            return session.run(shared.ready_op).tolist()


def test_servers_that_are_behind_the_checkpoint_get_it(cluster, tmp_path):
    _train(cluster, tmp_path, 3)
    _set_on_server(cluster, WEIGHTS, 1)
    lines = []

    _train(cluster, tmp_path, 4, report=lines.append, optimizer_options=STILL)

    assert f"the parameter servers hold step 1: {tmp_path}/model.ckpt-3 is restored there" in lines
    np.testing.assert_array_equal(_weights(tmp_path, 4), _weights(tmp_path, 3))


def test_servers_of_another_training_are_not_taken_over(cluster, tmp_path):
    _train(cluster, tmp_path / "first", 3)

    with pytest.raises(ValueError, match=f"hold the training run of {tmp_path}/first, .*/second"):
        _train(cluster, tmp_path / "second", 3)
    for path in (tmp_path / "first").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"another network or optimizer: beta1_power is \[\] here"):
        _train(cluster, tmp_path / "first", 4, optimizer_options=OptimizerOptions(optimizer="adam"))


def test_a_chief_with_other_settings_says_so_and_goes_on(cluster, tmp_path):
    _train(cluster, tmp_path, 3)
    lines = []

    result = _train(cluster, tmp_path, 4, report=lines.append, optimizer_options=STILL)

    assert result.step == 4
    assert any(
        line.startswith("warning: base_learning_rate was 0.01 and is 0.0 now") for line in lines
    )


def test_a_worker_waits_for_the_chief_and_joins_its_training(cluster, tmp_path):
    lines = []

    def report(line):
        lines.append(line)
        if line.startswith("waiting"):
            _train(cluster, tmp_path, 2)  # The chief comes while it is waited for.

    result = _train(cluster, "elsewhere", 2, worker=1, report=report)

    assert result.step == 2
    assert lines == [
        "waiting for the chief, which initializes the variables",
        f"joining the training run of {tmp_path} at step 2",
    ]


def test_a_worker_waits_for_its_first_step(cluster, tmp_path):
    _train(cluster, tmp_path, 4)
    _set_on_server(cluster, WEIGHTS, 2)
    lines = []

    def report(line):
        lines.append(line)
        if line.startswith("waiting"):
            _set_on_server(cluster, WEIGHTS, 4)

    _train(cluster, tmp_path, 4, worker=1, report=report, startup_delay_steps=3)

    assert lines == [
        "waiting for step 3 (startup_delay_steps)",
        f"joining the training run of {tmp_path} at step 4",
    ]


def _settings(size):
    return {"common_settings": lambda: {"train_crop_size": size}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (_settings((97, 97)), r"train_crop_size is \[97, 97\] here and \["),
        ({"optimizer_options": STILL}, "base_learning_rate is 0.0 here and 0.01 in the chief's"),
        ({"ema_decay": 0.9}, "ema_decay is 0.9 here and 0.0 in the chief's"),
    ],
)
def test_a_worker_with_other_flags_is_refused(cluster, tmp_path, changes, message):
    _train(cluster, tmp_path, 2, **_settings((65, 81)))

    with pytest.raises(ValueError, match=message):
        _train(
            cluster,
            tmp_path,
            2,
            worker=1,
            **{**_settings((65, 81)), **changes},
        )


def test_a_worker_with_another_network_is_refused(cluster, tmp_path):
    _train(cluster, tmp_path, 2)

    def build_clone(batch):
        toy_training.build_clone({**batch, "inputs": batch["inputs"]})
        tf.get_variable("logits/more", [5], initializer=tf.zeros_initializer())

    with pytest.raises(ValueError, match=r"logits/more is \[5\] here and missing there"):
        _train(cluster, tmp_path, 2, worker=1, build_clone=build_clone)


def test_a_worker_that_comes_too_late_has_nothing_to_do(cluster, tmp_path):
    _train(cluster, tmp_path, 2)
    lines = []

    _set_phase(cluster, shared_state.FINISHED)
    result = _train(cluster, tmp_path, 9, worker=1, report=lines.append)
    assert (result.step, result.exit_status) == (0, 0)
    assert lines == ["the chief has finished the training run"]

    _set_phase(cluster, shared_state.STOPPING)
    with pytest.raises(ServerLostError, match="was asked to end"):
        _train(cluster, tmp_path, 9, worker=1)


def test_a_chief_saves_before_a_server_ends(cluster, tmp_path):
    stopped_after = []

    def report(line):
        if " 3/1000 " in line:
            _set_phase(cluster, shared_state.STOPPING)
            stopped_after.append(3)

    with pytest.raises(ServerLostError, match=r"asked to end\. Start all .*/model\.ckpt-\d+\.$"):
        _train(
            cluster,
            tmp_path,
            1000,
            report=report,
            save_interval_secs=0.02,  # The servers are looked at twice in that time.
        )

    assert stopped_after
    assert checkpoints.read_step(checkpoints.latest_checkpoint(str(tmp_path))) >= 3


def test_records_compare_by_value():
    mine, other = (
        joining.Record("/runs/a", 60, {"crop": size, "rate": 0.1}, {"w": [3, 1]})
        for size in ([65, 65], [97, 97])
    )

    assert joining.Record.from_text(mine.to_text()) == mine
    assert mine.differing_settings(other) == {"crop": ([65, 65], [97, 97])}
    assert mine.differing_variable(other) is None
