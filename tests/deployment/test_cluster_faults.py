"""Processes of a cluster that are killed or asked to end in the middle of a training.

A parameter server and two workers, in processes of their own on the loopback interface.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.support import toy_process
from tests.support.loopback_cluster import free_addresses
from training import checkpoints

# For a process to import TensorFlow, reach the others and do what is waited for.
_DEADLINE_SECS = 120
_SAVE_INTERVAL_SECS = 1.0


class _Processes:
    """The processes of a training of the toy network."""

    def __init__(self, folder, steps: int):
        self.folder, self.steps = folder, steps
        self.ps, *self.workers = free_addresses(3)
        self._started = {}
        self._logs = {}

    def start(self, job: str, index: int = 0, step_secs: float = 0.05) -> None:
        """Starts a process, or starts it again with a new log."""
        place = {
            "cluster": {"ps": [self.ps], "worker": self.workers},
            "task": {"type": job, "index": index},
        }
        log = self.folder / f"{job}_{index}_{len(self._logs)}"
        with open(log, "w") as file:
            self._started[job, index] = subprocess.Popen(
                [sys.executable, toy_process.__file__, str(self.folder / "run"), str(self.steps)],
                env={
                    **os.environ,
                    "TF_CONFIG": json.dumps(place),
                    "STEP_SECS": str(step_secs),
                    "SAVE_INTERVAL_SECS": str(_SAVE_INTERVAL_SECS),
                },
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self._logs[log] = log
        self._logs[job, index] = log

    def log(self, job: str, index: int = 0) -> str:
        """Returns what a process has said."""
        return self._logs[job, index].read_text()

    def wait_for(self, pattern: str, job: str, index: int = 0, after: int = 0) -> re.Match:
        """Waits until a process says something, behind the first `after` characters."""
        deadline = time.monotonic() + _DEADLINE_SECS
        while True:
            has_ended = self._started[job, index].poll() is not None
            found = re.search(pattern, self.log(job, index)[after:])
            if found:
                return found
            assert not has_ended, f"{job} {index} has ended: {self.log(job, index)}"
            assert time.monotonic() < deadline, f"no {pattern!r}: {self.log(job, index)}"
            time.sleep(0.1)

    def signal(self, number: int, job: str, index: int = 0) -> None:
        """Sends a signal."""
        self._started[job, index].send_signal(number)

    def status(self, job: str, index: int = 0) -> int:
        """Waits for the end of a process."""
        try:
            return self._started[job, index].wait(_DEADLINE_SECS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{job} {index} still runs: {self.log(job, index)}") from None

    def runs(self, job: str, index: int = 0) -> bool:
        """Returns whether a process runs."""
        return self._started[job, index].poll() is None

    def steps_of(self, job: str, index: int = 0) -> list[int]:
        """Returns the steps that a worker has reported."""
        return [int(each) for each in re.findall(r"^step +(\d+)/", self.log(job, index), re.M)]

    def saved_step(self) -> int:
        """Returns the step count of the newest checkpoint."""
        return checkpoints.read_step(checkpoints.latest_checkpoint(str(self.folder / "run")))

    def kill_all(self) -> None:
        for process in self._started.values():
            process.kill()
            process.wait()


@pytest.fixture
def start_all(tmp_path):
    """Returns a function that starts a training of so many steps; ends what is left of it."""
    started = []

    def start(steps: int, **other_worker) -> _Processes:
        processes = _Processes(tmp_path, steps)
        started.append(processes)
        processes.start("ps")
        processes.start("worker", 0)
        processes.start("worker", 1, **other_worker)
        return processes

    yield start
    for each in started:
        each.kill_all()


@pytest.mark.slow
def test_a_killed_chief_comes_back_and_a_killed_worker_does_not(start_all):
    # The other worker is slow, so that the training does not end while the chief is away.
    processes = start_all(800, step_secs=0.5)
    processes.wait_for(r"\nsaved .*ckpt-[1-9]\d\d", "worker", 0)
    processes.wait_for(r"step +\d+/", "worker", 1)

    processes.signal(signal.SIGKILL, "worker", 0)
    assert processes.status("worker", 0) == -signal.SIGKILL
    saved_step = processes.saved_step()
    warning = processes.wait_for(
        r"warning: no checkpoint was saved since step (\d+), for two save intervals \(since "
        r"\d\d:\d\d:\d\d; it is step (\d+) now\): the chief, worker 0, .*\n"
        r"(?![\s\S]*saved again)",  # A busy machine may have been late before.
        "worker",
        1,
    )
    assert int(warning[1]) <= saved_step <= int(warning[2])

    processes.start("worker", 0)
    held = processes.wait_for(r"training run at step (\d+): going on from there", "worker", 0)
    assert int(held[1]) >= max(saved_step, int(warning[2]))
    processes.wait_for(r"\nsaved ", "worker", 0)
    processes.wait_for(r"checkpoints are saved again: step \d+\n", "worker", 1)
    # Trained weights all along: those that a training begins with have a loss of 7.
    said = processes.log("worker", 1)
    assert processes.steps_of("worker", 1) == sorted(processes.steps_of("worker", 1))
    assert max(float(each) for each in re.findall(r"loss (\S+)", said[warning.start() :])) < 1
    assert said[warning.start() : said.rindex("saved again")].count("warning: no checkpoint") == 1
    assert processes.steps_of("worker", 0)[0] > int(held[1])

    processes.signal(signal.SIGKILL, "worker", 1)
    assert processes.status("worker", 0) == 0
    assert processes.status("ps") == 0
    assert "the chief has finished: ending" in processes.log("ps")
    assert processes.saved_step() >= 800


@pytest.mark.slow
def test_lost_and_stopped_servers(start_all):
    processes = start_all(1_000_000)
    processes.wait_for(r"\nsaved ", "worker", 0)
    processes.wait_for(r"step +\d+/", "worker", 1)

    processes.signal(signal.SIGKILL, "ps")
    for index in (0, 1):
        assert processes.status("worker", index) == 75
        last = processes.log("worker", index).splitlines()[-1]
        assert re.fullmatch(
            rf"error: step \d+: parameter server 0 at {processes.ps} is lost, and so are the "
            r"variables that it held\. Start all processes again with the same commands: the "
            r"training run goes on from (.*ckpt-\d+|the newest checkpoint in .*/run \(.*\))\.",
            last,
        )
        assert processes.log("worker", index).count("error") == 1
    saved_step = processes.saved_step()
    reported = re.findall(r"saved .*ckpt-(\d+)", processes.log("worker", 0))
    assert saved_step >= int(reported[-1])

    processes.start("worker", 1)
    processes.wait_for(f"waiting for the parameter server at {processes.ps}\n", "worker", 1)
    processes.start("ps")
    processes.start("worker", 0)
    processes.wait_for(rf"resuming from .* at step {saved_step}\n", "worker", 0)
    processes.wait_for(r"step +\d+/", "worker", 0)
    processes.wait_for(r"step +\d+/", "worker", 1)
    for index in (0, 1):
        assert processes.steps_of("worker", index)[0] > saved_step

    # A chief that is asked to end has not finished: the others go on.
    processes.signal(signal.SIGTERM, "worker", 0)
    assert processes.status("worker", 0) == 128 + signal.SIGTERM
    length = len(processes.log("worker", 1))
    processes.wait_for(r"\nstep +\d+/", "worker", 1, after=length)
    assert processes.runs("ps")

    processes.signal(signal.SIGTERM, "ps")
    assert processes.status("worker", 1) == 75
    assert "error: step" in processes.log("worker", 1).splitlines()[-1]
    assert "a parameter server was asked to end. Start all" in processes.log("worker", 1)
    assert processes.status("ps") == 128 + signal.SIGTERM
    assert "SIGTERM: ending when the workers have" in processes.log("ps")
