"""A contender's steps of the training loop.

The loop reports a line after each step; there it waits for its turn.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from typing import Any

import tensorflow.compat.v1 as tf

from deployment.config import DeploymentConfig
from scripts.benchmarks import contender
from training import loop
from training.options import OptimizerOptions, TrainOptions
from training.task import Task

_WARM_UP_STEPS = 2


def serve(
    channel: contender.Channel,
    task: Task,
    batch_size: int,
    optimizer: OptimizerOptions,
    *,
    bias_gradient_multiplier: float = TrainOptions.bias_gradient_multiplier,
    num_clones: int = 1,
    clip_gradient_norm: float = TrainOptions.clip_gradient_norm,
    trainable_scopes: tuple[str, ...] = (),
) -> None:
    """Trains a task, a round of steps for each request; ends the process after the last.

    Args:
      channel: the contender's end of the lines.
      task: what is trained; its batches should be the same in every step.
      batch_size: images in a step.
      optimizer, bias_gradient_multiplier, clip_gradient_norm, trainable_scopes: as the task's
        train.py sets them.
      num_clones: clones that share the batch.
    """
    folder = tempfile.mkdtemp()
    tf.logging.set_verbosity(tf.logging.ERROR)
    loop.train(
        task,
        TrainOptions(
            os.path.join(folder, "logs"),
            training_number_of_steps=1 << 20,
            train_batch_size=batch_size,
            bias_gradient_multiplier=bias_gradient_multiplier,
            clip_gradient_norm=clip_gradient_norm,
            trainable_scopes=trainable_scopes,
            log_steps=1,
            save_interval_secs=0,
            save_summaries_secs=0,
        ),
        optimizer,
        DeploymentConfig(num_clones, clone_on_cpu=True),
        report=_Turns(channel, folder),
    )


def repeated(batch: Mapping[str, Any]) -> tf.data.Dataset:
    """Makes a dataset of one batch, again and again."""
    # Not as constants of the graph, which would be folded and copied.
    return tf.data.Dataset.from_tensors(batch).repeat().prefetch(1)


class _Turns:
    """Takes the training's lines: after each step it may have to wait for the next round."""

    def __init__(self, channel: contender.Channel, folder: str):
        self._channel = channel
        self._folder = folder
        self._steps_left = _WARM_UP_STEPS
        self._is_warm = False
        self._steps = 0
        self._start = 0.0

    def __call__(self, line: str) -> None:
        if not line.startswith("step "):
            return
        self._steps_left -= 1
        if self._steps_left:
            return
        if self._is_warm:
            self._channel.say_seconds((time.perf_counter() - self._start) / self._steps)
        else:
            self._is_warm = True
            self._channel.say_ready(versions={"TensorFlow": tf.version.VERSION})
        steps = self._channel.wait()
        if steps is None:
            shutil.rmtree(self._folder)
            os._exit(0)  # The training would save a checkpoint that nobody wants.
        self._steps = self._steps_left = steps
        self._start = time.perf_counter()
