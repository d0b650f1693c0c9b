"""Steps in a cluster: what is told of checkpoints, and the ends that parameter servers bring."""

from types import SimpleNamespace

import pytest
import tensorflow.compat.v1 as tf

from deployment.config import DeploymentConfig
from deployment.servers import ServerLostError
from deployment.shared_state import FINISHED, RUNNING, STOPPING, Notices
from tests.support.loopback_cluster import free_addresses
from training import cluster_training
from training.joining import Record

ADDRESSES = tuple(free_addresses(2))  # Nobody listens there.


class _Steps:
    """Stands for a `StepFunction`; `does` are the functions of its steps, one after the other."""

    def __init__(self, *does, is_chief: bool = True):
        self.step = 0
        self.lines: list[str] = []
        self.report = self.lines.append
        self.checkpointer = SimpleNamespace(newest=None) if is_chief else None
        self._does = list(does)

    def __call__(self, session, train_op, global_step, train_step_kwargs):
        self._does.pop(0)()
        self.step += 1
        return 0.5, False

    def save(self, session) -> None:
        if self.checkpointer:
            self.checkpointer.newest = f"runs/x/model.ckpt-{self.step}"


class _Shared:
    """Stands for the `SharedState`."""

    def __init__(self, *notices: Notices):
        self.saved: list[int] = []
        self.looks = 0
        self._notices = notices

    def read_notices(self, session) -> Notices:
        self.looks += 1
        return self._notices[min(self.looks, len(self._notices)) - 1]

    def note_saved(self, session, step: int) -> None:
        self.saved.append(step)


def wrap(steps: _Steps, shared: _Shared, save_interval_secs: float = 60.0, addresses=ADDRESSES):
    """Returns a function that does one step in the cluster."""
    config = DeploymentConfig(num_replicas=2, num_ps_tasks=2, ps_addresses=addresses)
    record = Record("/runs/x", save_interval_secs, {}, {})
    wrapped = cluster_training._ClusterSteps(steps, shared, config, record)
    return lambda: wrapped(SimpleNamespace(close=None), None, None, {})


def nothing() -> None:
    pass


def raising(error: Exception):
    def step() -> None:
        raise error

    return step


def test_the_servers_are_told_of_a_step_that_saved_and_of_no_other():
    shared = _Shared(Notices(-1, RUNNING))
    steps = _Steps(nothing, lambda: steps.save(None), nothing)
    do = wrap(steps, shared)
    assert [do() for _ in range(3)] == [(0.5, False)] * 3
    assert shared.saved == [2]
    assert shared.looks == 1  # Once a second is enough.


def test_a_worker_tells_nothing_and_hears_that_nobody_saves(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    shared = _Shared(Notices(30, RUNNING))
    steps = _Steps(*[nothing] * 3, is_chief=False)
    do = wrap(steps, shared, save_interval_secs=60.0)
    for _ in range(3):
        do()
        now[0] += 70.0
    assert shared.saved == []
    assert shared.looks == 3
    (line,) = steps.lines
    assert line.startswith("warning: no checkpoint was saved since step 30")


def test_the_end_of_the_chief_is_that_of_the_others():
    steps = _Steps(is_chief=False)
    assert wrap(steps, _Shared(Notices(30, FINISHED)))() == (None, True)
    assert steps.lines == ["the chief has finished the training run"]


@pytest.mark.parametrize("is_chief", [True, False])
def test_before_a_server_ends_the_chief_saves_and_all_say_where_to_go_on(is_chief):
    shared = _Shared(Notices(30, STOPPING))
    steps = _Steps(is_chief=is_chief)
    steps.step = 42
    with pytest.raises(ServerLostError) as caught:
        wrap(steps, shared)()
    checkpoint = (
        "runs/x/model.ckpt-42"
        if is_chief
        else "the newest checkpoint in /runs/x (step 30 or later)"
    )
    assert str(caught.value) == (
        "step 42: a parameter server was asked to end. Start all processes again with the same "
        f"commands: the training run goes on from {checkpoint}."
    )
    assert shared.saved == ([42] if is_chief else [])


@pytest.mark.parametrize(
    ("error", "addresses", "name"),
    [
        (tf.errors.UnavailableError(None, None, "x"), ADDRESSES, f"server 0 at {ADDRESSES[0]}"),
        (tf.errors.AbortedError(None, None, "x"), (), "a parameter server is lost"),
        (
            tf.errors.UnavailableError(None, None, "from /job:ps/replica:0/task:1: x"),
            (),
            "parameter server 1 is lost",
        ),
    ],
    # The numbers of ports differ between the processes of the tests.
    ids=["server 0", "unknown", "server 1"],
)
def test_the_errors_of_a_lost_server_become_one_that_names_it(error, addresses, name):
    steps = _Steps(nothing, raising(error), is_chief=False)
    do = wrap(steps, _Shared(Notices(-1, RUNNING)), addresses=addresses)
    do()
    with pytest.raises(
        ServerLostError, match=r"^step 2: .* is lost, .* \(if there is one\)\.$"
    ) as e:
        do()
    assert name in str(e.value)


def test_other_errors_pass():
    for error in (ValueError("step 1: image x.jpg is broken."), OSError("the disk is full")):
        do = wrap(_Steps(raising(error)), _Shared(Notices(-1, RUNNING)))
        with pytest.raises(type(error)) as caught:
            do()
        assert caught.value is error
