"""Scores checkpoints on a split: mean IoU and the rest of `deeplab.evaluation.metrics`.

Images are padded to a common crop and never cut; padding carries the ignore label, so it does
not count. The network is built once and takes the weights of one checkpoint after the other.
"""

import dataclasses
import functools
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow.compat.v1 as tf

from common import graph_memory, memory
from datasets.records import shard_check
from datasets.segmentation.specs import DatasetSpec
from deeplab.data import crop_sizes, input_errors, input_pipeline
from deeplab.evaluation import metrics, probability_counts
from deeplab.network import model
from deeplab.options import InputOptions, ModelOptions
from nets import registry
from training.evaluation_session import EvaluationSession


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The scores of one checkpoint on one split.

    Attributes:
      checkpoint: prefix of its files.
      step: training step of the checkpoint; 0 where it has none.
      confusion: int64 [num_classes, num_classes], pixels by label (row) and predicted class.
      seconds: time that it took, without building the network.
    """

    checkpoint: str
    step: int
    split: str
    num_images: int
    confusion: np.ndarray
    metrics: metrics.Metrics
    seconds: float


@dataclasses.dataclass(frozen=True)
class PredictedBatch:
    """What a network predicts of some images of a split; each lies at the top left of the crop.

    Attributes:
      image_names: bytes [batch], the records' names.
      heights, widths: int32 [batch], size of each image in the crop; the rest is padding.
      labels: int32 [batch, crop height, crop width, 1], class ids and the ignore label.
      class_ids: int32 [batch, crop height, crop width], the prediction.
      probability_counts: see `probability_counts.count`; None where they were not asked for.
    """

    image_names: np.ndarray
    heights: np.ndarray
    widths: np.ndarray
    labels: np.ndarray
    class_ids: np.ndarray
    probability_counts: Mapping[str, np.ndarray] | None = None

    def pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields (labels, class ids) of each image, int32 [height, width], without the padding."""
        for height, width, labels, class_ids in zip(
            self.heights, self.widths, self.labels, self.class_ids, strict=True
        ):
            yield labels[:height, :width, 0], class_ids[:height, :width]


class Collector(Protocol):
    """Takes more of the predictions that are scored than their confusion matrix."""

    def add(self, batch: PredictedBatch) -> None:
        """Takes a batch."""
        ...


class Evaluator:
    """A network and a split; scores one restored checkpoint after the other. `close` it afterwards.

    Args:
      spec, split, model_options, batch_size: what is scored.
      input_options: crop size and the resize before it; its random scales are not used.
      scales, add_flipped: see `model.predict`.
      with_probabilities: whether batches have `probability_counts`.

    Raises:
      ValueError: the split is missing or its shards do not hold the examples that they should, the
        crop does not suit the network, or the classes of network and dataset differ in number.
    """

    def __init__(
        self,
        spec: DatasetSpec,
        split: str,
        model_options: ModelOptions,
        input_options: InputOptions,
        *,
        batch_size: int = 1,
        scales: Sequence[float] = (1.0,),
        add_flipped: bool = False,
        with_probabilities: bool = False,
    ):
        if model_options.num_classes != spec.num_classes:
            raise ValueError(
                f"the network has {model_options.num_classes} classes, but dataset {spec.name!r} "
                f"in {spec.directory} has {spec.num_classes}."
            )
        if not scales or not all(0 < scale < math.inf for scale in scales):
            raise ValueError(f"eval_scales are {tuple(scales)}; expected numbers above 0.")
        if input_options.crop_size is not None:
            crop_sizes.check(input_options.crop_size, model_options.output_stride)
        shard_check.complete_shards(spec, split)
        self._spec, self._split = spec, split
        self._with_laplacian = model_options.decoder_use_gradient
        self._graph = tf.Graph()
        with self._graph.as_default():
            batches = input_pipeline.evaluation_batches(
                spec,
                split,
                input_options,
                batch_size=batch_size,
                mean_pixel=registry.encoder(model_options.model_variant).mean_pixel,
                with_laplacian=self._with_laplacian,
            )
            self._iterator = tf.data.make_initializable_iterator(batches)
            batch = self._iterator.get_next()
            prediction = model.predict(batch, model_options, scales=scales, add_flipped=add_flipped)
            self._fetches: dict[str, Any] = {
                "image_names": batch["image_name"],
                "heights": batch["height"],
                "widths": batch["width"],
                "labels": batch["label"],
                "class_ids": prediction.class_ids,
            }
            if with_probabilities:
                self._fetches["probability_counts"] = probability_counts.count(
                    batch["label"],
                    prediction.class_ids,
                    prediction.probabilities,
                    spec.ignore_label,
                )
            variables = tf.global_variables()
        if not tf.config.list_physical_devices("GPU"):  # TensorFlow itself checks a GPU's memory.
            crop = input_options.crop_size or "the largest image"
            memory.check(
                graph_memory.largest_bytes(tf.nest.flatten(self._fetches)),
                f"Batch size {batch_size} with a crop of {crop}",
                "Lower the crop size or the batch size.",
            )
        self._session = EvaluationSession(self._graph, variables, self._explain)

    def close(self) -> None:
        """Frees the session."""
        self._session.close()

    def restore(self, checkpoint: str, saved_names: Mapping[str, str] | None = None) -> None:
        """Loads the weights of a checkpoint; arguments and errors are `saved_weights.restore`'s."""
        self._session.restore(checkpoint, saved_names)

    def score(self, collectors: Sequence[Collector] = ()) -> Evaluation:
        """Scores the restored checkpoint.

        Args:
          collectors: take each batch, too.

        Raises:
          ValueError: an image of the split is broken or larger than the crop, or not all of them
            were read; names it.
        """
        start = time.monotonic()
        num_classes, ignore_label = self._spec.num_classes, self._spec.ignore_label
        confusion = np.zeros((num_classes, num_classes), np.int64)
        for batch in self.predict():
            confusion += metrics.confusion_matrix(
                batch.labels, batch.class_ids, num_classes, ignore_label
            )
            for collector in collectors:
                collector.add(batch)
        return Evaluation(
            self._session.checkpoint,
            self._session.step,
            self._split,
            num_images=self._spec.split(self._split).num_examples,
            confusion=confusion,
            metrics=metrics.compute_metrics(confusion),
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

    def _explain(self, error: tf.errors.OpError) -> ValueError | None:
        return input_errors.explain(error, self._spec, self._split, self._with_laplacian)
