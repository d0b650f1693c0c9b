"""Contender: a step of the training loop on a task whose batches are the same again and again.

The loop reports a line after each step; there it waits for its turn.
"""

import dataclasses
import os
import shutil
import tempfile
import time
from typing import Any

import tensorflow.compat.v1 as tf

from datasets.segmentation.specs import DatasetSpec, SplitSpec
from deeplab.options import InputOptions, ObjectiveOptions
from deeplab.run_description import RunDescription
from deeplab.task import SegmentationTask
from deployment.config import DeploymentConfig
from scripts.benchmarks import batches, contender, networks
from training import loop
from training.options import OptimizerOptions, TrainOptions

_WARM_UP_STEPS = 2


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    folder = tempfile.mkdtemp()
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)
    loop.train(
        _task(parameters),
        TrainOptions(
            os.path.join(folder, "logs"),
            training_number_of_steps=1 << 20,
            train_batch_size=parameters["batch"],
            log_steps=1,
            save_interval_secs=0,
            save_summaries_secs=0,
        ),
        OptimizerOptions(),
        DeploymentConfig(parameters.get("clones", 1), clone_on_cpu=True),
        report=_Turns(channel, folder),
    )


class _ConstantBatches(SegmentationTask):
    """Gives the same batch again and again."""

    def open_batches(self, batch_size: int, seed: int | None) -> tf.data.Dataset:
        del seed
        height, _ = self.description.train_crop_size
        batch = batches.constant_batch(batch_size, height, self.description.model.num_classes)
        names = [f"image_{index}" for index in range(batch_size)]
        # Not as constants of the graph, which would be folded and copied.
        dataset = tf.data.Dataset.from_tensors({**batch, "image_name": names}).repeat()
        return dataset.prefetch(1)


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


def _task(parameters: dict[str, Any]) -> SegmentationTask:
    num_classes, crop_size = parameters["num_classes"], (parameters["crop"],) * 2
    names = tuple(f"class {index}" for index in range(num_classes))
    palette = tuple((index, index, index) for index in range(num_classes))
    split = SplitSpec(1 << 10, 1, (), (), 0, 1, 1)
    spec = DatasetSpec("constant", "", names, palette, 255, False, {"train": split})
    network = networks.NETWORKS[parameters["network"]]
    description = RunDescription(
        model=dataclasses.replace(network, num_classes=num_classes),
        dataset_name=spec.name,
        class_names=names,
        palette=palette,
        ignore_label=spec.ignore_label,
        train_crop_size=crop_size,
    )
    objective = ObjectiveOptions(
        recompute_activations=parameters.get("recompute_activations", True)
    )
    num_clones = parameters.get("clones", 1)
    return _ConstantBatches(
        spec, "train", description, InputOptions(crop_size=crop_size), objective, num_clones
    )


if __name__ == "__main__":
    main()
