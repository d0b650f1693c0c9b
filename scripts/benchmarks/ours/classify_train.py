"""Contender: a step of a classifier's training, with the same batch again and again."""

from typing import Any

import tensorflow.compat.v1 as tf

from classification.commands.train_flags import ClassifierOptimizerOptions
from classification.options import AugmentationOptions, ObjectiveOptions
from classification.run_description import RunDescription
from classification.task import ClassificationTask
from datasets.classification.specs import ClassificationSpec, ClassificationSplit
from scripts.benchmarks import batches, classifiers, contender
from scripts.benchmarks.ours import steps

# train.py of classification trains biases as the weights beside them.
_BIAS_GRADIENT_MULTIPLIER = 1.0


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    tf.disable_v2_behavior()
    steps.serve(
        channel,
        _task(parameters),
        parameters["batch"],
        ClassifierOptimizerOptions(),
        bias_gradient_multiplier=_BIAS_GRADIENT_MULTIPLIER,
    )


class _ConstantBatches(ClassificationTask):
    """Gives the same batch again and again."""

    def open_batches(self, batch_size: int, seed: int | None) -> tf.data.Dataset:
        del seed
        description = self.description
        batch = batches.labeled_images(
            batch_size, description.view.image_size, description.model.num_classes
        )
        names = [f"image_{index}" for index in range(batch_size)]
        return steps.repeated({**batch, "image_name": names})


def _task(parameters: dict[str, Any]) -> ClassificationTask:
    name, num_classes = parameters["network"], parameters["num_classes"]
    names = tuple(f"class {index}" for index in range(num_classes))
    split = ClassificationSplit(num_classes, 1, (1,) * num_classes, 1, 1)
    spec = ClassificationSpec("constant", "", names, {"train": split})
    description = RunDescription(
        classifiers.model_options(name, num_classes),
        classifiers.view(name, parameters["size"]),
        spec.name,
        names,
    )
    objective = ObjectiveOptions(recompute_activations=parameters["recompute_activations"])
    return _ConstantBatches(
        spec, "train", description, AugmentationOptions(), objective, num_clones=1
    )


if __name__ == "__main__":
    main()
