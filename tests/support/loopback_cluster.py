"""TensorFlow servers of a small cluster in the test's own process, on the loopback interface."""

import socket

import tensorflow.compat.v1 as tf

from deployment.config import DeploymentConfig


def free_addresses(number: int) -> list[str]:
    """Returns addresses of the loopback interface at which nobody listens."""
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


class LoopbackCluster:
    """A parameter server and two workers.

    Attributes:
      ps, workers: their addresses.
    """

    def __init__(self):
        self.ps, *self.workers = free_addresses(3)
        cluster = {"ps": [self.ps], "worker": self.workers}
        self._servers = {
            (job, index): tf.train.Server(cluster, job_name=job, task_index=index)
            for job, index in (("ps", 0), ("worker", 0), ("worker", 1))
        }

    def target(self, job: str, index: int = 0) -> str:
        """Returns the session target of a process."""
        return self._servers[job, index].target

    def deployment(self, worker: int = 0) -> DeploymentConfig:
        """Returns where a worker's graph runs."""
        return DeploymentConfig(
            clone_on_cpu=True,
            replica_id=worker,
            num_replicas=2,
            num_ps_tasks=1,
            ps_addresses=(self.ps,),
        )

    def config(self, worker: int = 0) -> tf.ConfigProto:
        """Returns the configuration of a worker's sessions, which do without the other worker."""
        return tf.ConfigProto(device_filters=["/job:ps", f"/job:worker/task:{worker}"])

    def empty(self) -> None:
        """Takes its variables from the parameter server, as a restart does."""
        tf.Session.reset(self.target("ps"), config=tf.ConfigProto(device_filters=["/job:ps"]))
