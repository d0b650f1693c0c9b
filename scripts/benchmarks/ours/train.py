"""Contender: a step of `train.py`, whose input pipeline gives the same batch again and again.

The command itself runs, with its own settings of allocator, threads and session. It reports a line
after each step; there it waits for its turn.
"""

import functools
import os
import shutil
import sys
import tempfile
import time

from commands import allocator  # noqa: F401  (before anything else: it starts the process again)

# isort: split

from commands import launcher  # noqa: F401  (before TensorFlow, whose start it quiets)

# isort: split

import tensorflow.compat.v1 as tf
from absl import flags

from datasets.records import tfrecords
from datasets.segmentation import specs
from deeplab.commands import train
from scripts.benchmarks import batches, contender, networks

_WARM_UP_STEPS = 2


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    folder = tempfile.mkdtemp()
    specs.write_spec(_spec(folder, parameters["num_classes"]))

    # The two places where the measurement takes hold of the command.
    train.input_pipeline.training_batches = functools.partial(_constant_batches, parameters)
    train.loop.train = functools.partial(train.loop.train, report=_Turns(channel, folder))

    sys.argv = ["train.py", *_flags(parameters, folder)]
    flags.FLAGS(sys.argv)
    train.main([])


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


def _constant_batches(parameters: dict, *arguments, **keywords) -> tf.data.Dataset:
    del arguments, keywords
    size = parameters["batch"], parameters["crop"], parameters["num_classes"]
    batch = batches.constant_batch(*size)
    names = [f"image_{index}" for index in range(parameters["batch"])]
    # Not as constants of the graph, which would be folded and copied.
    dataset = tf.data.Dataset.from_tensors({**batch, "image_name": names}).repeat()
    return dataset.prefetch(1)


def _flags(parameters: dict, folder: str) -> list[str]:
    options = networks.NETWORKS[parameters["network"]]
    values = {
        "dataset_dir": folder,
        "train_logdir": os.path.join(folder, "logs"),
        "train_crop_size": f"{parameters['crop']},{parameters['crop']}",
        "train_batch_size": parameters["batch"],
        "num_clones": parameters.get("clones", 1),
        "recompute_activations": parameters.get("recompute_activations", True),
        "training_number_of_steps": 1 << 20,
        "log_steps": 1,
        "save_summaries_secs": 0,
        "save_interval_secs": 0,
        **networks.network_flags(options),
    }
    return [f"--{name}={value}" for name, value in values.items()] + ["--clone_on_cpu"]


def _spec(folder: str, num_classes: int) -> specs.DatasetSpec:
    names = tuple(f"class {index}" for index in range(num_classes))
    # The command looks for the shard, and believes a size that agrees; nobody reads it.
    with open(tfrecords.shard_path(folder, "train", 0, 1), "wb"):
        pass
    split = specs.SplitSpec(
        1 << 10, 1, (), (), 0, 1, 1, shard_examples=(1 << 10,), shard_bytes=(0,)
    )
    palette = tuple((index, index, index) for index in range(num_classes))
    return specs.DatasetSpec("constant", folder, names, palette, 255, False, {"train": split})


if __name__ == "__main__":
    main()
