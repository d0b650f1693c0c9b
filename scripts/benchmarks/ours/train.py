"""Contender: a step of segmentation's training, with the same batch again and again."""

import dataclasses
from typing import Any

import tensorflow.compat.v1 as tf

from datasets.segmentation.specs import DatasetSpec, SplitSpec
from deeplab.options import InputOptions, ObjectiveOptions
from deeplab.run_description import RunDescription
from deeplab.task import SegmentationTask
from scripts.benchmarks import batches, contender, networks
from scripts.benchmarks.ours import steps
from training.options import OptimizerOptions


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    tf.disable_v2_behavior()
    steps.serve(
        channel,
        _task(parameters),
        parameters["batch"],
        OptimizerOptions(),
        num_clones=parameters.get("clones", 1),
    )


class _ConstantBatches(SegmentationTask):
    """Gives the same batch again and again."""

    def open_batches(self, batch_size: int, seed: int | None) -> tf.data.Dataset:
        del seed
        height, _ = self.description.train_crop_size
        batch = batches.constant_batch(batch_size, height, self.description.model.num_classes)
        names = [f"image_{index}" for index in range(batch_size)]
        return steps.repeated({**batch, "image_name": names})


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
    objective = ObjectiveOptions(recompute_activations=parameters.get("recompute_activations"))
    num_clones = parameters.get("clones", 1)
    return _ConstantBatches(
        spec, "train", description, InputOptions(crop_size=crop_size), objective, num_clones
    )


if __name__ == "__main__":
    main()
