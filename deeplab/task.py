"""Semantic segmentation as the training loop sees it (`training.task.Task`)."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from common import files
from datasets.segmentation.specs import DatasetSpec
from deeplab import run_description
from deeplab.data import input_errors, input_pipeline
from deeplab.evaluation.validation import SegmentationValidator
from deeplab.network import decoder, transfer
from deeplab.objective import training_graph
from deeplab.objective.training_graph import Batch
from deeplab.options import InputOptions, ObjectiveOptions
from deeplab.run_description import RunDescription
from nets import registry
from nets.batch_norm import SyncGroup
from training.task import Task, joined_settings

# What may differ between the processes of a cluster: names, colors, and how a machine computes.
_OWN_SETTINGS = (
    *("dataset_name", "dataset_origin", "palette", "save_summaries_images"),
    *("recompute_activations", "sync_batch_norm"),
)


class SegmentationTask(Task):
    """Trains a DeepLab network on a split of a dataset.

    Args:
      spec: the dataset.
      split: name of the split.
      description: the network, and what goes with its weights.
      input_options: how images become what the network sees.
      objective: what the network is trained for.
      num_clones: clones of a process, whose batch statistics `sync_batch_norm` joins.
      has_averages: whether training keeps moving averages of the weights, which validation scores.
      recipe: the flags that were chosen for the training run, a flag file's content; "" for none.
    """

    memory_advice = "Lower train_crop_size or train_batch_size, or take a smaller network."

    def __init__(
        self,
        spec: DatasetSpec,
        split: str,
        description: RunDescription,
        input_options: InputOptions,
        objective: ObjectiveOptions,
        num_clones: int,
        has_averages: bool = False,
        recipe: str = "",
    ):
        self._spec = spec
        self._split = split
        self.description = description
        self._input_options = input_options
        self._objective = objective
        self._has_averages = has_averages
        self._recipe = recipe
        self._sync_group = SyncGroup(num_clones) if objective.sync_batch_norm else None
        self._adapt = transfer.laplacian_adapter(description.model)

    def open_batches(self, batch_size: int, seed: int | None) -> tf.data.Dataset:
        network = self.description.model
        return input_pipeline.training_batches(
            self._spec,
            self._split,
            self._input_options,
            batch_size=batch_size,
            mean_pixel=registry.encoder(network.model_variant).mean_pixel,
            with_laplacian=network.decoder_use_gradient,
            laplacian_stride=decoder.laplacian_stride(network, self.description.train_crop_size),
            seed=seed,
        )

    def build_clone(self, batch: Batch) -> None:
        training_graph.build_clone(batch, self.description, self._objective, self._sync_group)

    def save_memory(self) -> str:
        if self._objective.recompute_activations is not None:
            return ""
        self._objective = dataclasses.replace(self._objective, recompute_activations=True)
        return (
            "all activations that can be are computed again for the backward pass "
            "(--norecompute_activations keeps them)"
        )

    def join_clones(self) -> None:
        if self._sync_group:
            self._sync_group.connect()

    def describe_batch(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the files of a batch and the label ids in it."""
        label_ids, _ = tf.unique(tf.reshape(batch["label"], [-1]))
        return {"files": batch["image_name"], "label ids": tf.sort(label_ids)}

    def open_validator(self) -> SegmentationValidator:
        return SegmentationValidator(
            self._spec,
            self.description,
            self._input_options.input_memory_mb,
            self._has_averages,
        )

    def adapt(self, name: str, saved: np.ndarray, initial: np.ndarray) -> np.ndarray | None:
        return self._adapt(name, saved, initial)

    def explain_error(self, error: tf.errors.OpError) -> ValueError | None:
        return input_errors.explain(
            error, self._spec, self._split, self.description.model.decoder_use_gradient
        )

    def common_settings(self) -> Mapping[str, Any]:
        records = (
            self._input_options,
            self._objective,
            self.description,
            self.description.model,
        )
        return joined_settings(records, ("model", "crop_size", *_OWN_SETTINGS))

    def write_beside_checkpoints(self, directory: str) -> str:
        if self._recipe:
            files.write(os.path.join(directory, run_description.RECIPE_FILE), self._recipe.encode())
        return run_description.write_description(self.description, directory)
