"""Scores checkpoints of a classifier on a split.

The network is built once and takes the weights of one checkpoint after the other.
"""

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow.compat.v1 as tf

from classification.data import input_pipeline
from classification.evaluation import metrics
from classification.run_description import RunDescription
from common import graph_memory, memory
from datasets.classification.specs import ClassificationSpec
from datasets.records import shard_check
from nets import classifier
from nets.batch_norm import BatchNormMode
from training.evaluation_session import EvaluationSession

# The most images by which the two kinds of batch norm statistics are compared; a tenth more or less
# of them is far from chance.
_MOST_COMPARED = 128
_COMPARED_BATCH = 32
# Statistics of fewer images are none.
_LEAST_COMPARED = 8
# What statistics of the batch have to score more, before it is said.
_LARGE_DIFFERENCE = 0.1


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The scores of one checkpoint on one split.

    Attributes:
      checkpoint: prefix of its files.
      step: training step of the checkpoint; 0 where it has none.
      confusion: int64 [classes, classes], images by label (row) and predicted class.
      batch_statistics_accuracy, compared_accuracy: share of some images that are right with the
        statistics of their batch in batch norm, and with the moving ones, which always count
        otherwise; None where they were not compared.
      num_compared: number of those images.
      seconds: time that it took, without building the network.
    """

    checkpoint: str
    step: int
    split: str
    num_images: int
    confusion: np.ndarray
    metrics: metrics.Metrics
    batch_statistics_accuracy: float | None
    compared_accuracy: float | None
    num_compared: int
    seconds: float

    def warning(self) -> str | None:
        """Returns that moving statistics do not suit the weights, where they do not."""
        batch, moving = self.batch_statistics_accuracy, self.compared_accuracy
        if batch is None or moving is None or batch <= moving + _LARGE_DIFFERENCE:
            return None
        return (
            f"with the statistics of each batch in batch norm {batch:.0%} of "
            f"{self.num_compared} images would be right, with the moving statistics {moving:.0%}: "
            "these do not suit the weights. Train longer, or lower --batch_norm_decay (0.9 follows "
            "within 20 steps); where batch norm was not trained, train it."
        )


@dataclasses.dataclass(frozen=True)
class PredictedBatch:
    """What a classifier says of some images of a split.

    Attributes:
      numbers: int64 [batch], places of the images in the order of the records.
      image_names: bytes [batch], the records' names.
      labels: int32 [batch].
      probabilities: float32 [batch, classes].
    """

    numbers: np.ndarray
    image_names: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray


class Evaluator:
    """A classifier and a split; scores one restored checkpoint after the other. `close` it.

    Args:
      spec, split: what is scored.
      description: the network, and how it sees an image.
      batch_size: images that run at once.
      compares_statistics: whether batch norm's statistics are compared; see `Evaluation`.

    Raises:
      ValueError: the split is missing or its shards do not hold the examples that they should, or
        the classes of network and dataset differ in number.
    """

    def __init__(
        self,
        spec: ClassificationSpec,
        split: str,
        description: RunDescription,
        *,
        batch_size: int = 32,
        compares_statistics: bool = True,
    ):
        model, view = description.model, description.view
        if model.num_classes != spec.num_classes - view.labels_offset:
            raise ValueError(
                f"the network has {model.num_classes} classes, but dataset {spec.name!r} in "
                f"{spec.directory} has {spec.num_classes - view.labels_offset} "
                f"(labels_offset is {view.labels_offset})."
            )
        shard_check.complete_shards(spec, split)
        self._spec, self._split, self._num_classes = spec, split, model.num_classes
        self._graph = tf.Graph()
        with self._graph.as_default():
            batches = input_pipeline.evaluation_batches(spec, split, view, batch_size=batch_size)
            self._iterator = tf.data.make_initializable_iterator(batches)
            self._fetches = _build(self._iterator.get_next(), description, False)
            variables = tf.global_variables()
            self._shuffled = None
            self._compared_batch = min(_COMPARED_BATCH, spec.split(split).num_examples)
            if compares_statistics and self._compared_batch >= _LEAST_COMPARED:
                batches = input_pipeline.evaluation_batches(
                    spec, split, view, batch_size=self._compared_batch, shuffle_seed=0
                )
                self._shuffled = tf.data.make_initializable_iterator(batches)
                with tf.variable_scope(tf.get_variable_scope(), reuse=True):
                    self._shuffled_fetches = _build(self._shuffled.get_next(), description, True)
        if not tf.config.list_physical_devices("GPU"):  # TensorFlow itself checks a GPU's memory.
            memory.check(
                graph_memory.largest_bytes(list(self._fetches.values())),
                f"A batch of {batch_size} images of {view.image_size} pixels",
                "Lower the batch size.",
            )
        self._session = EvaluationSession(
            self._graph, variables, lambda error: input_pipeline.explain(error, spec, split)
        )

    def close(self) -> None:
        """Frees the session."""
        self._session.close()

    def restore(self, checkpoint: str, saved_names: Mapping[str, str] | None = None) -> None:
        """Loads the weights of a checkpoint; arguments and errors are `saved_weights.restore`'s."""
        self._session.restore(checkpoint, saved_names)

    def score(self, observe: Callable[[PredictedBatch], None] | None = None) -> Evaluation:
        """Scores the restored checkpoint.

        Args:
          observe: takes every batch, for what else is to be known of it.

        Raises:
          ValueError: an image of the split is broken, or not all of them were read; names it.
        """
        start = time.monotonic()
        counter = metrics.Counter(self._num_classes)
        is_right = np.zeros(self._spec.split(self._split).num_examples, bool)
        for batch in self.predict():
            counter.add(batch.labels, batch.probabilities)
            if observe is not None:
                observe(batch)
            is_right[batch.numbers] = batch.probabilities.argmax(axis=1) == batch.labels
        by_batch, by_moving = self._compare(is_right)
        return Evaluation(
            self._session.checkpoint,
            self._session.step,
            self._split,
            num_images=self._spec.split(self._split).num_examples,
            confusion=counter.confusion,
            metrics=counter.metrics(),
            batch_statistics_accuracy=float(np.mean(by_batch)) if by_batch else None,
            compared_accuracy=float(np.mean(by_moving)) if by_batch else None,
            num_compared=len(by_batch),
            seconds=time.monotonic() - start,
        )

    def predict(self) -> Iterator[PredictedBatch]:
        """Predicts the images in the order of the records, with a progress bar on a terminal.

        Raises:
          ValueError: as for `score`.
        """
        batches = self._session.counted_batches(
            self._iterator,
            self._fetches,
            split=self._split,
            num_examples=self._spec.split(self._split).num_examples,
            explain_missing=functools.partial(shard_check.explain_missing, self._spec, self._split),
        )
        for values in batches:
            yield PredictedBatch(**values)

    def _compare(self, is_right: np.ndarray) -> tuple[list[bool], list[bool]]:
        """Returns which of some images are right with batch statistics, and which without.

        Args:
          is_right: bool [images], which are right with the moving statistics.
        """
        by_batch: list[bool] = []
        by_moving: list[bool] = []
        if self._shuffled is None:
            return by_batch, by_moving
        for values in self._session.batches(self._shuffled, self._shuffled_fetches):
            batch = PredictedBatch(**values)
            # The last one may be too small for statistics of its own.
            if len(by_batch) >= _MOST_COMPARED or len(batch.labels) < self._compared_batch:
                break
            by_batch += (batch.probabilities.argmax(axis=1) == batch.labels).tolist()
            by_moving += is_right[batch.numbers].tolist()
        return by_batch, by_moving


def _build(
    batch: input_pipeline.Batch, description: RunDescription, uses_batch_statistics: bool
) -> dict[str, tf.Tensor]:
    model = description.model
    logits, _ = classifier.classify(
        batch["image"],
        model.model_variant,
        num_classes=model.num_classes,
        is_training=False,
        dropout_keep_prob=1.0,
        weight_decay=0.0,
        batch_norm=BatchNormMode(is_training=uses_batch_statistics),
        options=model.encoder_options(),
    )
    return {
        "numbers": batch["number"],
        "image_names": batch["image_name"],
        "labels": batch["label"],
        "probabilities": tf.nn.softmax(logits),
    }
