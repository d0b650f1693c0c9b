"""What parameter servers say of their variables, on two servers of the test's own process."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment import shared_state
from deployment.config import DeploymentConfig
from deployment.shared_state import FINISHED, RUNNING, STOPPING, Notices, SharedState
from tests.support.loopback_cluster import free_addresses


@pytest.fixture(scope="module")
def target() -> str:
    """Session target of two parameter servers; the servers live as long as TensorFlow."""
    cluster = {"ps": free_addresses(2)}
    servers = [tf.train.Server(cluster, job_name="ps", task_index=index) for index in range(2)]
    return servers[0].target


@pytest.fixture
def session(target):
    with tf.Session(target) as session:
        yield session
    tf.Session.reset(target)


def make() -> tuple[SharedState, tf.Variable]:
    """Returns the state of servers that hold one variable for a worker, and that variable."""
    with tf.device(shared_state.server_device(1)):
        weights = tf.get_variable("weights", initializer=np.ones(3, np.float32))
    return SharedState(DeploymentConfig(num_ps_tasks=2), [weights]), weights


def set_phase(target: str, server: int, phase: int) -> None:
    with tf.Graph().as_default(), tf.Session(target) as session:
        session.run(tf.assign(shared_state.phase_variable(server), phase).op)


def test_servers_that_were_just_started_know_nothing(session):
    shared, _ = make()
    assert shared.read_record(session) == ("", False)
    assert shared.read_notices(session) == Notices(saved_step=-1, phase=RUNNING)
    assert sorted(session.run(shared.ready_op)) == [b"shared_state/record", b"weights"]


def test_workers_are_ready_once_variables_and_record_are_there(session):
    shared, weights = make()
    session.run(weights.initializer)
    assert shared.read_record(session) == ("", False)
    assert session.run(shared.ready_op).tolist() == [b"shared_state/record"]
    shared.publish(session, "a record", saved_step=40)
    assert shared.read_record(session) == ("a record", True)
    assert shared.read_notices(session) == Notices(saved_step=40, phase=RUNNING)
    shared.withdraw(session)
    assert shared.read_record(session) == ("", False)
    assert shared.read_notices(session).saved_step == 40


def test_a_record_without_variables_lets_nobody_step(session):
    shared, _ = make()
    shared.publish(session, "a record", saved_step=-1)
    assert shared.read_record(session) == ("a record", False)
    assert session.run(shared.ready_op).tolist() == [b"weights"]


def test_the_highest_phase_of_all_servers_counts(session, target):
    shared, _ = make()
    for server, phase, expected in (
        (1, STOPPING, STOPPING),
        (0, RUNNING, STOPPING),
        (0, FINISHED, FINISHED),
    ):
        set_phase(target, server, phase)
        assert shared.read_notices(session).phase == expected


def test_what_is_shared_is_in_no_collection_and_outlives_a_graph(session, target):
    shared, _ = make()
    shared.publish(session, "a record", saved_step=7)
    assert [variable.op.name for variable in tf.global_variables()] == ["weights"]
    assert tf.local_variables() == []
    with tf.Graph().as_default(), tf.Session(target) as other:
        again, _ = make()
        assert again.read_notices(other) == Notices(saved_step=7, phase=RUNNING)
        assert again.read_record(other) == ("a record", False)
