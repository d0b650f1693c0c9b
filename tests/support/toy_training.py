"""A training so small that its values can be checked by hand: y = w x + b on random numbers.

`python tests/support/toy_process.py LOGDIR STEPS` trains in a process of its own.
"""

import dataclasses
import os
import pathlib
import time

import numpy as np
import tensorflow.compat.v1 as tf

from deployment import servers
from deployment.cluster import read_cluster
from deployment.config import DeploymentConfig
from deployment.servers import ServerLostError
from training import loop
from training.options import OptimizerOptions, TrainOptions
from training.task import Task

NUM_EXAMPLES = 32
WEIGHT_DECAY = 0.1


def examples() -> dict[str, np.ndarray]:
    """Returns the examples: "inputs" [examples, 3], "targets" [examples, 1], "name" [examples]."""
    random = np.random.RandomState(3)
    inputs = random.normal(size=(NUM_EXAMPLES, 3)).astype(np.float32)
    targets = inputs @ np.array([[1.0], [-2.0], [0.5]], np.float32) + 0.3
    names = np.array([f"example_{index}" for index in range(NUM_EXAMPLES)])
    return {"inputs": inputs, "targets": targets.astype(np.float32), "name": names}


def dataset(batch_size: int, seed: int | None = None) -> tf.data.Dataset:
    """Returns endless batches, shuffled if there is a seed."""
    batches = tf.data.Dataset.from_tensor_slices(examples()).repeat()
    if seed is not None:
        batches = batches.shuffle(NUM_EXAMPLES, seed=seed)
    return batches.batch(batch_size, drop_remainder=True)


def build_clone(batch) -> None:
    """Builds a linear model with its squared error, L2 loss, and a moving average of its input."""
    weights = tf.get_variable(
        "body/weights",
        [3, 1],
        initializer=tf.random_normal_initializer(),
        regularizer=lambda value: WEIGHT_DECAY * tf.nn.l2_loss(value),
    )
    biases = tf.get_variable("logits/biases", [1], initializer=tf.zeros_initializer())
    mean = tf.get_variable(
        "body/moving_mean", [3], initializer=tf.zeros_initializer(), trainable=False
    )
    update = tf.assign_sub(mean, 0.5 * (mean - tf.reduce_mean(batch["inputs"], axis=0)))
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)
    outputs = tf.matmul(batch["inputs"], weights) + biases
    loss = tf.reduce_mean(tf.square(outputs - batch["targets"]))
    tf.losses.add_loss(loss)
    tf.summary.scalar("squared_error", loss)


class ToyTask(Task):
    """Trains the linear model on examples in their order.

    Args:
      **replaced: functions that take the place of methods.
    """

    def __init__(self, **replaced):
        for name, function in replaced.items():
            assert hasattr(self, name), name
            setattr(self, name, function)

    def open_batches(self, batch_size, seed):
        return dataset(batch_size)

    def build_clone(self, batch):
        build_clone(batch)

    def describe_batch(self, batch):
        return {"examples": batch["name"]}


def train(logdir, steps: int, *, report=lambda line: None, **changes) -> loop.TrainResult:
    """Trains on batches of 8.

    Args:
      logdir: `train_logdir`.
      steps: `training_number_of_steps`.
      report: takes the lines.
      **changes: arguments of `loop.train`, fields of TrainOptions, or methods of ToyTask.
    """
    arguments = {
        "optimizer_options": OptimizerOptions(base_learning_rate=0.01),
        "deployment": DeploymentConfig(),
        "report": report,
    }
    for name in ("optimizer_options", "deployment", "master", "startup_delay_steps"):
        if name in changes:
            arguments[name] = changes.pop(name)
    options = {"train_batch_size": 8, "log_steps": 1, "seed": 1}
    for field in dataclasses.fields(TrainOptions):
        if field.name in changes:
            options[field.name] = changes.pop(field.name)
    return loop.train(
        ToyTask(**changes),
        TrainOptions(str(logdir), training_number_of_steps=steps, **options),
        **arguments,
    )


def slowly(batch) -> None:
    """Like `build_clone`, with steps of 50 ms or STEP_SECS, for tests that interrupt a training."""

    def wait(value):
        time.sleep(float(os.environ.get("STEP_SECS", "0.05")))
        return value

    inputs = tf.py_func(wait, [batch["inputs"]], tf.float32)
    inputs.set_shape(batch["inputs"].shape)
    build_clone({**batch, "inputs": inputs})


def read(checkpoint: str) -> dict[str, np.ndarray]:
    """Returns every variable of a checkpoint."""
    reader = tf.train.NewCheckpointReader(checkpoint)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def read_step(folder: pathlib.Path, step: int) -> dict[str, np.ndarray]:
    """Returns every variable of the checkpoint of a step."""
    return read(str(folder / f"model.ckpt-{step}"))


def checkpoint_files(folder: pathlib.Path) -> dict[str, bytes]:
    """Returns what the files of checkpoints in a folder hold, by name."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.name.startswith(("model.ckpt", "checkpoint"))
    }


def main(_, arguments: list[str]) -> int:
    """Trains as the command line and TF_CONFIG say."""
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)
    logdir, steps = arguments
    cluster = read_cluster(os.environ)
    if cluster is None:
        return _train(logdir, int(steps), DeploymentConfig(), "")
    try:
        return cluster.take_part(
            lambda master: _train(logdir, int(steps), cluster.deployment(1, True), master),
            report=_print,
        )
    except ServerLostError as error:
        servers.end_process(error)


def _train(logdir: str, steps: int, deployment: DeploymentConfig, master: str) -> int:
    result = train(
        logdir,
        steps,
        report=_print,
        build_clone=slowly,
        save_interval_secs=float(os.environ.get("SAVE_INTERVAL_SECS", "0.2")),
        deployment=deployment,
        master=master,
    )
    return result.exit_status


def _print(line: str) -> None:
    print(line, flush=True)
