"""TF_CONFIG, and a training of one parameter server and two workers on this machine."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from deployment import cluster
from deployment.cluster import Cluster
from deployment.config import DeploymentConfig
from tests.support import toy_process, toy_training
from tests.support.loopback_cluster import free_addresses
from training import checkpoints


def _read(config) -> Cluster | None:
    return cluster.read_cluster({"TF_CONFIG": json.dumps(config)})


def test_worker():
    config = {"cluster": {"ps": ["a:1"], "worker": ["b:2", "c:3"]}}

    place = _read({**config, "task": {"type": "worker", "index": 1}})

    assert place == Cluster(ps=("a:1",), workers=("b:2", "c:3"), job="worker", index=1)
    assert place.deployment(num_clones=4, clone_on_cpu=False) == DeploymentConfig(
        num_clones=4, replica_id=1, num_replicas=2, num_ps_tasks=1, ps_addresses=("a:1",)
    )


def test_chief_is_worker_0():
    config = {"cluster": {"ps": ["a:1"], "chief": ["b:2"], "worker": ["c:3", "d:4"]}}

    chief = _read({**config, "task": {"type": "chief", "index": 0}})
    last = _read({**config, "task": {"type": "worker", "index": "1"}})

    assert chief.workers == last.workers == ("b:2", "c:3", "d:4")
    assert (chief.job, chief.index) == ("worker", 0)
    assert (last.job, last.index) == ("worker", 2)


def test_parameter_server():
    config = {"cluster": {"ps": ["a:1", "b:2"], "worker": ["c:3"]}}

    place = _read({**config, "task": {"type": "ps", "index": 1}})

    assert (place.job, place.index) == ("ps", 1)


@pytest.mark.parametrize(
    "config",
    [{}, {"cluster": {}}, {"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}],
)
def test_one_machine_is_no_cluster(config):
    assert _read(config) is None
    assert cluster.read_cluster({}) is None


WORKERS = {"ps": ["a:1"], "worker": ["b:2"]}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"cluster": WORKERS}, "is not understood .*'task'.*expected"),
        ({"cluster": WORKERS, "task": {"type": "evaluator", "index": 0}}, "type 'evaluator'"),
        ({"cluster": WORKERS, "task": {"type": "worker", "index": 1}}, r"worker 1; .* of 0\.\.0"),
        (
            {"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}},
            "0 parameter servers and 2 workers",
        ),
        ({"cluster": {"ps": "a:1", "worker": ["b:2"]}}, "ps is 'a:1', not a list of addresses"),
        ({"cluster": {"ps": ["a"], "worker": ["b:2"]}}, "address 'a', which is not host:port"),
        ({"cluster": {"ps": ["a:0"], "worker": ["b:2"]}}, "address 'a:0', which is not host:port"),
        ({"cluster": {"ps": ["grpc://a:1"], "worker": ["b:2"]}}, "'grpc://a:1', which is not"),
        (
            {"cluster": {"ps": ["a:1"], "worker": ["a:1"]}, "task": {"type": "ps", "index": 0}},
            "the address a:1 twice",
        ),
        (
            {
                "cluster": {"ps": ["a:1"], "chief": ["b:2", "c:3"]},
                "task": {"type": "ps", "index": 0},
            },
            "names 2 chiefs; expected one",
        ),
        (
            {
                "cluster": {"ps": ["a:1"], "master": ["b:2"], "worker": ["c:3"]},
                "task": {"type": "worker", "index": 0},
            },
            "job 'master' in its cluster; expected ps, worker, chief",
        ),
    ],
)
def test_incomplete_descriptions_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        _read(config)
    with pytest.raises(ValueError, match="is not understood"):
        cluster.read_cluster({"TF_CONFIG": "{'cluster': 1}"})


def test_addresses_may_be_names_and_numbers_of_both_kinds():
    config = {"cluster": {"ps": ["[::1]:1"], "worker": ["train-0.svc.local:65535", "10.0.0.1:2"]}}

    place = _read({**config, "task": {"type": "worker", "index": 0}})

    assert place.workers == ("train-0.svc.local:65535", "10.0.0.1:2")


def test_a_second_process_in_the_same_place_is_told_so():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        place = Cluster(ps=("127.0.0.1:1",), workers=(address,), job="worker", index=0)

        with pytest.raises(ValueError, match=f"{address}, this process's address .* is in use"):
            place.take_part(lambda master: 0, report=lambda line: None)


@pytest.mark.slow
def test_two_workers_train_one_network_on_a_parameter_server(tmp_path):
    ps, *workers = free_addresses(3)
    logdir, steps = tmp_path / "run", 1000
    processes, logs = {}, {}
    try:
        for job, index in (("ps", 0), ("worker", 0), ("worker", 1)):
            place = {
                "cluster": {"ps": [ps], "worker": workers},
                "task": {"type": job, "index": index},
            }
            logs[job, index] = tmp_path / f"{job}_{index}"
            with open(logs[job, index], "w") as log:
                processes[job, index] = subprocess.Popen(
                    [sys.executable, toy_process.__file__, str(logdir), str(steps)],
                    env={**os.environ, "TF_CONFIG": json.dumps(place)},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        for place, process in processes.items():
            assert process.wait(240) == 0, logs[place].read_text()
    finally:
        for process in processes.values():
            process.kill()

    newest = checkpoints.latest_checkpoint(str(logdir))
    assert checkpoints.read_step(newest) >= steps
    chief, other = (logs["worker", index].read_text() for index in (0, 1))
    assert "\nsaved " in chief
    assert "\nsaved " not in other
    assert f"joining the training run of {logdir} at step" in other
    # Both worked: what the second counted, the first did not.
    assert other.count(f"/{steps}  loss") > 1
    assert chief.count(f"/{steps}  loss") < steps
    # Weight decay holds the weights a little below [1, -2, 0.5].
    weights = toy_training.read(newest)["body/weights"]
    np.testing.assert_allclose(weights[:, 0], [1.0, -2.0, 0.5], atol=0.25)
