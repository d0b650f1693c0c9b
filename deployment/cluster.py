"""Training on several machines with TensorFlow's own runtime: parameter servers and workers.

The environment variable TF_CONFIG, as TensorFlow defines it, tells a process its place:

    TF_CONFIG='{"cluster": {"ps": ["a:2222"], "worker": ["b:2222", "c:2222"]},
                "task": {"type": "worker", "index": 0}}'

Every process runs the same command. Parameter servers hold the variables; every worker computes
gradients and applies them without waiting for the others. Worker 0 is the chief: it initialises
the variables and saves checkpoints. A task type "chief" is counted as worker 0.
"""

import dataclasses
import json
import signal
from collections.abc import Mapping

import tensorflow.compat.v1 as tf

from deployment.model_deploy import DeploymentConfig

_TASK_TYPES = ("ps", "worker", "chief")
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
        size = len(self.ps if self.job == "ps" else self.workers)
        if not 0 <= self.index < size:
            raise ValueError(
                f"TF_CONFIG says that this is {self.job} {self.index}; "
                f"expected an index of 0..{size - 1}."
            )

    def deployment(self, num_clones: int, clone_on_cpu: bool) -> DeploymentConfig:
        """Returns where this worker's graph runs.

        Args:
          num_clones, clone_on_cpu: see `DeploymentConfig`.
        """
        assert self.job == "worker", self.job
        return DeploymentConfig(
            num_clones=num_clones,
            clone_on_cpu=clone_on_cpu,
            replica_id=self.index,
            num_replicas=len(self.workers),
            num_ps_tasks=len(self.ps),
        )

    def start_server(self) -> tf.train.Server:
        """Starts TensorFlow's server of this process; its `target` is the session master.

        Raises:
          tf.errors.OpError: the address cannot be bound.
        """
        return tf.train.Server(
            {"ps": list(self.ps), "worker": list(self.workers)},
            job_name=self.job,
            task_index=self.index,
        )

    def serve_variables(self, server: tf.train.Server) -> None:
        """Holds variables until every worker has called `leave`. For parameter servers.

        Args:
          server: this process's server.
        """
        # Python's own handler would wait for the end of the call below.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        with tf.Graph().as_default():
            dequeue = self._leavers(self.index).dequeue()
            with self._session(server.target) as session:
                for _ in self.workers:
                    session.run(dequeue)

    def leave(self, server: tf.train.Server) -> None:
        """Tells the parameter servers that this worker has finished.

        Args:
          server: this process's server.
        """
        with tf.Graph().as_default():
            enqueue = [self._leavers(index).enqueue(self.index) for index in range(len(self.ps))]
            with self._session(server.target) as session:
                session.run(enqueue)

    def _leavers(self, ps_index: int) -> tf.FIFOQueue:
        """Returns the queue on a parameter server in which workers leave word when they finish."""
        with tf.device(f"/job:ps/task:{ps_index}/device:CPU:0"):
            return tf.FIFOQueue(
                len(self.workers), tf.int32, shapes=[()], shared_name="finished_workers"
            )

    def _session(self, target: str) -> tf.Session:
        filters = ["/job:ps", f"/job:{self.job}/task:{self.index}"]
        return tf.Session(target, config=tf.ConfigProto(device_filters=filters))


def read_cluster(environment: Mapping[str, str]) -> Cluster | None:
    """Reads TF_CONFIG.

    Args:
      environment: environment variables.

    Returns:
      The cluster, or None for a training in this process alone.

    Raises:
      ValueError: TF_CONFIG is no JSON, or incomplete.
    """
    text = environment.get("TF_CONFIG", "").strip()
    if not text:
        return None
    try:
        config = json.loads(text)
        if not config.get("cluster"):
            return None
        jobs = {job: tuple(config["cluster"].get(job, ())) for job in _TASK_TYPES}
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
    workers = jobs["chief"] + jobs["worker"]
    if not jobs["ps"] and len(workers) == 1:
        return None  # Schedulers describe a single machine so.
    if task_type == "worker":
        index += len(jobs["chief"])
    return Cluster(
        ps=jobs["ps"],
        workers=workers,
        job="ps" if task_type == "ps" else "worker",
        index=index,
    )
