"""How long a training step takes, measured before a training run begins."""

import statistics
import time

import tensorflow.compat.v1 as tf

from deployment.config import DeploymentConfig
from training import loop
from training.options import OptimizerOptions, TrainOptions
from training.step_graph import build_step
from training.task import Task

# The first steps allocate memory and choose algorithms.
_WARM_UP_STEPS, _MEASURED_STEPS = 2, 4


def measure(
    task: Task,
    options: TrainOptions,
    optimizer_options: OptimizerOptions,
    deployment: DeploymentConfig,
) -> float:
    """Does some steps with variables of chance, whose results nobody keeps.

    Returns:
      The median time of a step, seconds.

    Raises:
      ValueError: a record is damaged, or the batch cannot be divided.
    """
    deployment.clone_batch_size(options.train_batch_size)
    with tf.Graph().as_default():
        step = build_step(task, options, optimizer_options, deployment, data_seed=1)
        initializers = [
            tf.global_variables_initializer(),
            tf.local_variables_initializer(),
            tf.tables_initializer(),
        ]
        with tf.Session(config=loop.session_config(deployment, options)) as session:
            session.run(initializers)
            seconds = []
            for _ in range(_WARM_UP_STEPS + _MEASURED_STEPS):
                start = time.monotonic()
                try:
                    session.run(step.train_op)
                except tf.errors.OpError as error:
                    explained = task.explain_error(error)
                    raise explained or error from error
                seconds.append(time.monotonic() - start)
    return statistics.median(seconds[_WARM_UP_STEPS:])
