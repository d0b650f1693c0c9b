"""Describing images as the training loop sees it (`training.task.Task`)."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow.compat.v1 as tf

from captioning import run_description
from captioning.data import input_pipeline
from captioning.evaluation import caption_rewards
from captioning.evaluation.validation import CaptioningValidator
from captioning.network import network
from captioning.objective import training_graph
from captioning.objective.self_critical import Rewards
from captioning.options import SELF_CRITICAL, AugmentationOptions, ObjectiveOptions
from captioning.run_description import RunDescription
from datasets.captioning.specs import CaptioningSpec
from nets.batch_norm import SyncGroup
from training.task import Task, joined_settings

# What may differ between the processes of a cluster: names, and how a machine computes.
_OWN_SETTINGS = ("dataset_name", "dataset_origin", "recompute_activations", "sync_batch_norm")
# In published checkpoints of research/im2txt.
_FORMER_NAMES = {
    "lstm/basic_lstm_cell/kernel": (
        "lstm/BasicLSTMCell/Linear/Matrix",
        "lstm/basic_lstm_cell/weights",
    ),
    "lstm/basic_lstm_cell/bias": (
        "lstm/BasicLSTMCell/Linear/Bias",
        "lstm/basic_lstm_cell/biases",
    ),
}


class CaptioningTask(Task):
    """Trains a network that describes images on a split of a dataset.

    Args:
      spec: the dataset.
      split: name of the split.
      description: the network, and what goes with its weights.
      augmentation: how images are varied.
      objective: what the network is trained for.
      num_clones: clones of a process, whose batch statistics `sync_batch_norm` joins.
      has_averages: whether training keeps moving averages of the weights, which validation scores.
      features: the split with features in place of images; see `feature_cache`.
    """

    memory_advice = (
        "Lower train_batch_size, captions_per_image or image_size, or take a smaller encoder."
    )

    def __init__(
        self,
        spec: CaptioningSpec,
        split: str,
        description: RunDescription,
        augmentation: AugmentationOptions,
        objective: ObjectiveOptions,
        num_clones: int,
        has_averages: bool = False,
        features: CaptioningSpec | None = None,
    ):
        self._spec = spec
        self._split = split
        self.description = description
        self._augmentation = augmentation
        self._objective = objective
        self._has_averages = has_averages
        self._features = features
        self._sync_group = SyncGroup(num_clones) if objective.sync_batch_norm else None

    def open_batches(self, batch_size: int, seed: int | None) -> tf.data.Dataset:
        shape: Sequence[int] = ()
        if self._features is not None:
            description = self.description
            shape = network.feature_shape(description.model, description.view.image_size)
        return input_pipeline.training_batches(
            self._spec,
            self._split,
            self.description.view,
            self._augmentation,
            batch_size=batch_size,
            seed=seed,
            features=self._features,
            feature_shape=shape,
        )

    def build_clone(self, batch: training_graph.Batch) -> None:
        is_self_critical = self._objective.objective == SELF_CRITICAL
        training_graph.build_clone(
            batch,
            self.description.model,
            self._objective,
            sync_group=self._sync_group,
            rewards=self._rewards if is_self_critical else None,
        )

    def join_clones(self) -> None:
        if self._sync_group:
            self._sync_group.connect()

    def describe_batch(self, batch: training_graph.Batch) -> dict[str, tf.Tensor]:
        """Returns the files of a batch."""
        return {"files": batch["image_name"]}

    def open_validator(self) -> CaptioningValidator:
        return CaptioningValidator(self._spec, self.description, self._has_averages)

    def former_names(self, name: str) -> Sequence[str]:
        """Returns how TensorFlow 0.x, and 1.0 and 1.1, spelled the variables of an LSTM."""
        return _FORMER_NAMES.get(name, ())

    def explain_error(self, error: tf.errors.OpError) -> ValueError | None:
        if self._features is not None:
            return input_pipeline.explain(error, self._features, self._split, has_features=True)
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

    @functools.cached_property
    def _rewards(self) -> Rewards:
        """What captions earn: the references of the whole split are read for it, once."""
        known = self.description.vocabulary
        score = caption_rewards.read_rewards(self._spec, self._split).score
        return Rewards(known.start, known.end, score)
