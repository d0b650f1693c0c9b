"""Training on several machines with TensorFlow's own runtime: parameter servers and workers.

The environment variable TF_CONFIG, as TensorFlow defines it, tells a process its place:

    TF_CONFIG='{"cluster": {"ps": ["a:2222"], "worker": ["b:2222", "c:2222"]},
                "task": {"type": "worker", "index": 0}}'

Every process runs the same command. Parameter servers hold the variables; every worker computes
gradients and applies them without waiting for the others. Worker 0 is the chief: it initializes
the variables and saves checkpoints. A task type "chief" is counted as worker 0.

What happens when a process ends before the training does:

- The chief: the others go on, unsaved, and say so after two save intervals. Started again, it goes
  on from what the servers hold; nothing is initialized or restored.
- Another worker: the others go on. Started again, it joins.
- A parameter server: its variables are lost. All workers end with status 75 (`SERVER_LOST_STATUS`);
  none waits for it. When every process is started again with the same command, the chief restores
  the newest checkpoint before anybody steps. A server that is asked to end (SIGTERM, Ctrl-C) waits
  for the chief to save first, so that nothing is lost.

A parameter server ends by itself when the chief has finished the training and every worker has left
or is gone. A chief that is asked to end, or fails, has not finished: the servers stay.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping

import tensorflow.compat.v1 as tf

from deployment import servers, variable_server
from deployment.config import DeploymentConfig

_TASK_TYPES = ("ps", "worker", "chief")
# How long a finished worker waits for parameter servers that it only wants to send home.
_LEAVE_SECS = 60.0
_EXAMPLE = (
    '{"cluster": {"ps": ["host:port"], "worker": ["host:port"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A cluster and this process's place in it.

    Attributes:
      ps: addresses (host:port) of the parameter servers.
      workers: addresses of the workers, the chief first.
      job: "ps" or "worker".
      index: number of this process among those of its job.
    """

    ps: tuple[str, ...]
    workers: tuple[str, ...]
    job: str
    index: int

    def __post_init__(self):
        if not self.ps or not self.workers:
            raise ValueError(
                f"TF_CONFIG names {len(self.ps)} parameter servers and {len(self.workers)} "
                f"workers; expected at least one of each, as in {_EXAMPLE}."
            )
        last = len(self._of_my_job) - 1
        if not 0 <= self.index <= last:
            raise ValueError(
                f"TF_CONFIG says that this is {self.job} {self.index}; expected an index of "
                f"0..{last}."
            )

    @property
    def _of_my_job(self) -> tuple[str, ...]:
        return self.ps if self.job == "ps" else self.workers

    def deployment(self, num_clones: int, clone_on_cpu: bool) -> DeploymentConfig:
        """Returns where this worker's graph runs; arguments as of `DeploymentConfig`."""
        assert self.job == "worker", self.job
        return DeploymentConfig(
            num_clones=num_clones,
            clone_on_cpu=clone_on_cpu,
            replica_id=self.index,
            num_replicas=len(self.workers),
            num_ps_tasks=len(self.ps),
            ps_addresses=self.ps,
        )

    def take_part(self, train: Callable[[str], int], report: Callable[[str], None]) -> int:
        """Does what this process is there for, and returns the exit status.

        Args:
          train: trains as a worker on a session master; returns the exit status, 0 if the training
            run is finished.
          report: takes each line that a user should see.

        Raises:
          ValueError: the address cannot be used.
          ServerLostError: a parameter server is gone; see `servers.end_process`.
        """
        server = self._start_server()
        if self.job == "ps":
            return variable_server.serve(server.target, self.index, self.workers, report)
        status = train(server.target)
        # A training run that was finished before has not waited for the servers.
        if status == 0 and servers.wait_for(self.ps, report, max_secs=_LEAVE_SECS):
            variable_server.leave(server.target, self.index, len(self.ps))
        return status

    def _start_server(self) -> tf.train.Server:
        address = self._of_my_job[self.index]
        servers.check_free(address)
        try:
            return tf.train.Server(
                {"ps": list(self.ps), "worker": list(self.workers)},
                job_name=self.job,
                task_index=self.index,
            )
        except tf.errors.OpError as error:
            raise ValueError(
                f"TensorFlow's server cannot be started at {address} ({error.message})."
            ) from error


def read_cluster(environment: Mapping[str, str]) -> Cluster | None:
    """Reads TF_CONFIG; None for training in this process alone.

    Raises:
      ValueError: TF_CONFIG is not JSON, or incomplete.
    """
    text = environment.get("TF_CONFIG", "").strip()
    if not text:
        return None
    try:
        config = json.loads(text)
        if not config.get("cluster"):
            return None
        jobs = {job: _addresses(job, of_job) for job, of_job in config["cluster"].items()}
        task_type, index = config["task"]["type"], int(config["task"]["index"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"TF_CONFIG is {text!r}, which is not understood ({type(error).__name__}: {error}); "
            f"expected {_EXAMPLE}."
        ) from None
    if task_type not in _TASK_TYPES:
        raise ValueError(
            f"TF_CONFIG has the task type {task_type!r}; expected {', '.join(_TASK_TYPES)}. "
            "Evaluation runs as a command of its own, outside the cluster."
        )
    _check_jobs(jobs)
    ps, chiefs = jobs.get("ps", ()), jobs.get("chief", ())
    workers = chiefs + jobs.get("worker", ())
    if not ps and len(workers) == 1:
        return None  # Schedulers describe a single machine so.
    if task_type == "worker":
        index += len(chiefs)
    return Cluster(ps, workers, job="ps" if task_type == "ps" else "worker", index=index)


def _addresses(job: str, addresses: object) -> tuple[str, ...]:
    if not isinstance(addresses, list):
        raise TypeError(f"{job} is {addresses!r}, not a list of addresses")
    for address in addresses:
        match = re.fullmatch(r"([^\s:/]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})", str(address))
        if not match or not 1 <= int(match[2]) <= 65535:
            raise ValueError(f"{job} has the address {address!r}, which is not host:port")
    return tuple(addresses)


def _check_jobs(jobs: Mapping[str, tuple[str, ...]]) -> None:
    # Evaluators are listed by some schedulers; they take no part in the training.
    for job in jobs:
        if job not in (*_TASK_TYPES, "evaluator"):
            raise ValueError(
                f"TF_CONFIG has a job {job!r} in its cluster; expected {', '.join(_TASK_TYPES)}."
            )
    if len(jobs.get("chief", ())) > 1:
        raise ValueError(f"TF_CONFIG names {len(jobs['chief'])} chiefs; expected one.")
    addresses = [address for job in _TASK_TYPES for address in jobs.get(job, ())]
    for address in addresses:
        if addresses.count(address) > 1:
            raise ValueError(
                f"TF_CONFIG has the address {address} twice; every process needs one of its own."
            )
