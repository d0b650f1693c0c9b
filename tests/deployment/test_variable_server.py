"""When a parameter server ends, and which phase its workers see until then."""

import queue
import threading

import pytest
import tensorflow.compat.v1 as tf

from deployment import shared_state, variable_server
from deployment.servers import is_reachable
from tests.support.loopback_cluster import LoopbackCluster, free_addresses


@pytest.fixture(scope="module")
def processes():
    return LoopbackCluster()


@pytest.fixture
def cluster(processes):
    processes.empty()
    return processes


class _Serving:
    """A parameter server in a thread.

    Attributes:
      lines: what it reports.
    """

    def __init__(self, cluster, workers, **changes):
        self.lines: queue.Queue[str] = queue.Queue()
        self._statuses: list[int] = []
        self._thread = threading.Thread(
            target=lambda: self._statuses.append(
                variable_server.serve(cluster.target("ps"), 0, workers, self.lines.put, **changes)
            ),
            daemon=True,
        )
        self._thread.start()
        assert self.lines.get(timeout=60) == "parameter server 0 is ready"

    def status(self) -> int:
        """Waits for its end and returns its exit status."""
        self._thread.join(60)
        assert self._statuses, "it still serves"
        return self._statuses[0]


def _phase(cluster) -> int:
    with tf.Graph().as_default():
        phase = shared_state.phase_variable(0)
        with tf.Session(cluster.target("worker"), config=cluster.config()) as session:
            return int(session.run(phase))


def _gone() -> str:
    address = free_addresses(1)[0]
    assert not is_reachable(address)
    return address


def test_it_ends_with_the_chief_when_the_other_worker_is_gone(cluster):
    serving = _Serving(cluster, [cluster.workers[0], _gone()])

    variable_server.leave(cluster.target("worker"), 0, 1)

    assert serving.lines.get(timeout=60).startswith("the chief has finished: ending when")
    assert serving.status() == 0


def test_it_stays_until_the_last_living_worker_has_left(cluster):
    serving = _Serving(cluster, cluster.workers)

    variable_server.leave(cluster.target("worker"), 0, 1)
    assert serving.lines.get(timeout=60).startswith("the chief has finished")
    while _phase(cluster) != shared_state.FINISHED:
        pass
    variable_server.leave(cluster.target("worker", 1), 1, 1)

    assert serving.status() == 0


def test_it_does_not_end_with_a_worker_that_is_not_the_chief(cluster):
    serving = _Serving(cluster, cluster.workers)

    variable_server.leave(cluster.target("worker", 1), 1, 1)
    assert _phase(cluster) == shared_state.RUNNING
    variable_server.leave(cluster.target("worker"), 0, 1)

    assert serving.status() == 0


def test_a_worker_that_never_ends_is_not_waited_for_without_end(cluster):
    serving = _Serving(cluster, cluster.workers, finished_secs=0.0)

    variable_server.leave(cluster.target("worker"), 0, 1)

    assert serving.status() == 0


def test_a_word_that_does_not_arrive_is_sent_again(cluster, monkeypatch):
    serving = _Serving(cluster, [_gone()])
    run, tries = tf.Session.run, []

    def run_late(session, fetches, *arguments, options=None, **more):
        if options is not None and options.timeout_in_ms:
            tries.append(options.timeout_in_ms)
            if len(tries) < 3:
                raise tf.errors.DeadlineExceededError(None, None, "late")
        return run(session, fetches, *arguments, options=options, **more)

    monkeypatch.setattr(tf.Session, "run", run_late)
    variable_server.leave(cluster.target("worker"), 0, 1)
    assert serving.status() == 0
    assert len(tries) == 3
