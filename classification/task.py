"""Image classification as the training loop sees it (`training.task.Task`)."""

from collections.abc import Mapping
from typing import Any

import tensorflow.compat.v1 as tf

from classification import run_description
from classification.data import input_pipeline
from classification.evaluation.validation import ClassificationValidator
from classification.objective import training_graph
from classification.options import AugmentationOptions, ObjectiveOptions
from classification.run_description import RunDescription
from datasets.classification.specs import ClassificationSpec
from nets.batch_norm import SyncGroup
from training.task import Task, joined_settings

# What may differ between the processes of a cluster: names, and how a machine computes.
_OWN_SETTINGS = (
    "dataset_name",
    "dataset_origin",
    "class_names",
    "recompute_activations",
    "sync_batch_norm",
)


class ClassificationTask(Task):
    """Trains a classifier on a split of a dataset.

    Args:
      spec: the dataset.
      split: name of the split.
      description: the network, and what goes with its weights.
      augmentation: how images are varied.
      objective: what the network is trained for.
      num_clones: clones of a process, whose batch statistics `sync_batch_norm` joins.
      has_averages: whether training keeps moving averages of the weights, which validation scores.

    Raises:
      ValueError: `class_weights` do not fit the classes.
    """

    memory_advice = "Lower train_batch_size or train_image_size, or take a smaller network."

    def __init__(
        self,
        spec: ClassificationSpec,
        split: str,
        description: RunDescription,
        augmentation: AugmentationOptions,
        objective: ObjectiveOptions,
        num_clones: int,
        has_averages: bool = False,
    ):
        self._spec = spec
        self._split = split
        self.description = description
        self._augmentation = augmentation
        self._objective = objective
        self._has_averages = has_averages
        self._sync_group = SyncGroup(num_clones) if objective.sync_batch_norm else None
        num_images = spec.split(split).examples_per_class[description.view.labels_offset :]
        self._class_weights = objective.weights_of_classes(num_images)

    def open_batches(self, batch_size: int, seed: int | None) -> tf.data.Dataset:
        return input_pipeline.training_batches(
            self._spec,
            self._split,
            self.description.view,
            self._augmentation,
            batch_size=batch_size,
            seed=seed,
        )

    def build_clone(self, batch: training_graph.Batch) -> None:
        training_graph.build_clone(
            batch,
            self.description.model,
            self._objective,
            class_weights=self._class_weights,
            mixup=self._augmentation.mixup,
            sync_group=self._sync_group,
        )

    def join_clones(self) -> None:
        if self._sync_group:
            self._sync_group.connect()

    def describe_batch(self, batch: training_graph.Batch) -> dict[str, tf.Tensor]:
        """Returns the files of a batch and their labels."""
        return {"files": batch["image_name"], "labels": batch["label"]}

    def open_validator(self) -> ClassificationValidator:
        return ClassificationValidator(
            self._spec,
            self.description,
            trains_batch_norm=self._objective.fine_tune_batch_norm,
            uses_averages=self._has_averages,
        )

    def explain_error(self, error: tf.errors.OpError) -> ValueError | None:
        return input_pipeline.explain(error, self._spec, self._split)

    def common_settings(self) -> Mapping[str, Any]:
        description = self.description
        records = (
            description,
            description.model,
            description.view,
            self._augmentation,
            self._objective,
        )
        return joined_settings(records, ("model", "view", *_OWN_SETTINGS))

    def write_beside_checkpoints(self, directory: str) -> str:
        return run_description.write_description(self.description, directory)
