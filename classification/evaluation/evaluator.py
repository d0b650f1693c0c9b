"""Scores checkpoints of a classifier on a split.

The network is built once and takes the weights of one checkpoint after the other.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow.compat.v1 as tf
import tqdm

from classification.data import input_pipeline
from classification.evaluation import metrics
from classification.run_description import RunDescription
from common import graph_memory, memory, saved_weights
from datasets.classification.specs import ClassificationSpec
from datasets.records import shard_check
from nets import classifier
from nets.batch_norm import BatchNormMode

# Images by which the two kinds of batch norm statistics are compared; a tenth more or less of them
# is far from chance.
_NUM_COMPARED = 128
_COMPARED_BATCH = 32
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
    seconds: float

    def warning(self) -> str | None:
        """Returns that moving statistics do not suit the weights, where they do not."""
        batch, moving = self.batch_statistics_accuracy, self.compared_accuracy
        if batch is None or moving is None or batch <= moving + _LARGE_DIFFERENCE:
            return None
        return (
            f"with the statistics of each batch in batch norm {batch:.0%} of "
            f"{_NUM_COMPARED} images would be right, with the moving statistics {moving:.0%}: "
            "these lag behind the weights. Train longer, or lower --batch_norm_decay (0.9 follows "
            "within 20 steps)."
        )


@dataclasses.dataclass(frozen=True)
class PredictedBatch:
    """What a classifier says of some images of a split.

    Attributes:
      image_names: bytes [batch], the records' names.
      labels: int32 [batch].
      probabilities: float32 [batch, classes].
    """

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
            self._variables = tf.global_variables()
            self._shuffled = None
            if compares_statistics:
                batches = input_pipeline.evaluation_batches(
                    spec, split, view, batch_size=_COMPARED_BATCH, shuffle_seed=0
                )
                self._shuffled = tf.data.make_initializable_iterator(batches)
                with tf.variable_scope(tf.get_variable_scope(), reuse=True):
                    self._shuffled_fetches = _build(self._shuffled.get_next(), description, True)
        self._restored: tuple[str, int] | None = None  # prefix and step
        if not tf.config.list_physical_devices("GPU"):  # TensorFlow itself checks a GPU's memory.
            memory.check(
                graph_memory.largest_bytes(list(self._fetches.values())),
                f"A batch of {batch_size} images of {view.image_size} pixels",
                "Lower the batch size.",
            )
        config = tf.ConfigProto(allow_soft_placement=True)
        config.gpu_options.allow_growth = True
        self._session = tf.Session(graph=self._graph, config=config)

    def close(self) -> None:
        """Frees the session."""
        self._session.close()

    def restore(self, checkpoint: str, saved_names: Mapping[str, str] | None = None) -> None:
        """Loads the weights of a checkpoint; arguments and errors are `saved_weights.restore`'s."""
        self._restored = None
        reader = saved_weights.restore(self._session, checkpoint, self._variables, saved_names)
        step = int(reader.value("global_step")) if "global_step" in reader.shapes else 0
        self._restored = checkpoint, step

    def score(self, observe: Callable[[PredictedBatch], None] | None = None) -> Evaluation:
        """Scores the restored checkpoint.

        Args:
          observe: takes every batch, for what else is to be known of it.

        Raises:
          ValueError: an image of the split is broken, or not all of them were read; names it.
        """
        start = time.monotonic()
        counter = metrics.Counter(self._num_classes)
        are_right: dict[bytes, bool] = {}
        for batch in self.predict():
            counter.add(batch.labels, batch.probabilities)
            if observe is not None:
                observe(batch)
            hits = batch.probabilities.argmax(axis=1) == batch.labels
            are_right.update(zip(batch.image_names, hits.tolist(), strict=True))
        batch_accuracy, compared_accuracy = self._compare(are_right)
        assert self._restored is not None
        checkpoint, step = self._restored
        return Evaluation(
            checkpoint,
            step,
            self._split,
            num_images=self._spec.split(self._split).num_examples,
            confusion=counter.confusion,
            metrics=counter.metrics(),
            batch_statistics_accuracy=batch_accuracy,
            compared_accuracy=compared_accuracy,
            seconds=time.monotonic() - start,
        )

    def predict(self) -> Iterator[PredictedBatch]:
        """Predicts the images in the order of the records, with a progress bar on a terminal.

        Raises:
          ValueError: as for `score`.
        """
        assert self._restored is not None, "restore a checkpoint first"
        self._session.run(self._iterator.initializer)
        expected, num_read = self._spec.split(self._split).num_examples, 0
        title = f"step {self._restored[1]} on {self._split}"
        with tqdm.tqdm(total=expected, desc=title, unit="image", disable=None) as progress:
            while (batch := self._next(self._fetches)) is not None:
                yield batch
                num_read += len(batch.labels)
                progress.update(len(batch.labels))
        if num_read != expected:
            # Whole when the network was built, hours ago perhaps: the shards are named if it lasts.
            shard_check.complete_shards(self._spec, self._split)
            raise ValueError(
                f"{num_read} of the {expected} examples of split {self._split!r} in "
                f"{self._spec.directory} were read: its shards were changed meanwhile."
            )

    def _next(self, fetches: Mapping[str, tf.Tensor]) -> PredictedBatch | None:
        try:
            return PredictedBatch(**self._session.run(fetches))
        except tf.errors.OutOfRangeError:
            return None
        except tf.errors.OpError as error:
            explained = input_pipeline.explain(error, self._spec, self._split)
            raise (explained or error) from None

    def _compare(self, are_right: Mapping[bytes, bool]) -> tuple[float | None, float | None]:
        """Returns what of some images is right with batch statistics, and without.

        Images are told apart by their names, which records of other programs may lack.
        """
        if self._shuffled is None or len(are_right) < self._spec.split(self._split).num_examples:
            return None, None
        self._session.run(self._shuffled.initializer)
        by_batch: list[bool] = []
        by_moving: list[bool] = []
        while len(by_batch) < _NUM_COMPARED:
            batch = self._next(self._shuffled_fetches)
            # The last one may be too small for statistics of its own.
            if batch is None or len(batch.labels) < _COMPARED_BATCH:
                break
            by_batch += (batch.probabilities.argmax(axis=1) == batch.labels).tolist()
            by_moving += [are_right[name] for name in batch.image_names]
        if not by_batch:
            return None, None
        return float(np.mean(by_batch)), float(np.mean(by_moving))


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
        "image_names": batch["image_name"],
        "labels": batch["label"],
        "probabilities": tf.nn.softmax(logits),
    }
