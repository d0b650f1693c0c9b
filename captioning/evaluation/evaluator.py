"""Scores checkpoints of a network that describes images on a split.

The network is built once and takes the weights of one checkpoint after the other.
"""

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from captioning.data import input_pipeline
from captioning.evaluation import caption_scores
from captioning.evaluation.caption_scores import Scores
from captioning.network import beam_search, network
from captioning.objective import losses
from captioning.options import SearchOptions
from captioning.run_description import RunDescription
from common import graph_memory, memory
from datasets.captioning.specs import CaptioningSpec
from datasets.records import shard_check
from nets.batch_norm import BatchNormMode
from training.evaluation_session import EvaluationSession


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The scores of one checkpoint on one split.

    Attributes:
      checkpoint: prefix of its files.
      step: training step of the checkpoint; 0 where it has none.
      seconds: time that it took, without building the network.
    """

    checkpoint: str
    step: int
    split: str
    scores: Scores
    seconds: float


@dataclasses.dataclass(frozen=True)
class DescribedImage:
    """What a network says of an image of a split.

    Attributes:
      name, image_id: of the record.
      caption: words of the best caption, without marks.
      log_probability: of that caption.
      references: words of each caption that people gave it, with marks.
    """

    name: str
    image_id: int
    caption: tuple[str, ...]
    log_probability: float
    references: tuple[tuple[str, ...], ...]


class Evaluator:
    """A network and a split; scores one restored checkpoint after the other. `close` it.

    Args:
      spec, split: what is scored.
      description: the network, and how it sees an image.
      search: how captions are searched for.
      batch_size: images that run at once.

    Raises:
      ValueError: the split is missing or its shards do not hold the examples that they should, or
        the vocabularies of network and dataset differ.
    """

    def __init__(
        self,
        spec: CaptioningSpec,
        split: str,
        description: RunDescription,
        *,
        search: SearchOptions = SearchOptions(),  # noqa: B008 (it is frozen)
        batch_size: int = 16,
    ):
        known = description.vocabulary
        known.check_equal(
            spec.vocabulary, "the network", f"dataset {spec.name!r} in {spec.directory}"
        )
        shard_check.complete_shards(spec, split)
        self._spec, self._split, self._vocabulary = spec, split, known
        self._graph = tf.Graph()
        with self._graph.as_default():
            batches = input_pipeline.evaluation_batches(
                spec, split, description.view, batch_size=batch_size
            )
            self._iterator = tf.data.make_initializable_iterator(batches)
            self._fetches = _build(self._iterator.get_next(), description, search)
            variables = tf.global_variables()
        if not tf.config.list_physical_devices("GPU"):  # TensorFlow itself checks a GPU's memory.
            memory.check(
                graph_memory.largest_bytes(list(self._fetches.values())),
                f"A batch of {batch_size} images of {description.view.image_size} pixels",
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

    def score(self, observe: Callable[[DescribedImage], None] | None = None) -> Evaluation:
        """Scores the restored checkpoint.

        Args:
          observe: takes every image, for what else is to be known of it.

        Raises:
          ValueError: an image of the split is broken, or not all of them were read; names it.
        """
        start = time.monotonic()
        candidates: dict[int, Sequence[str]] = {}
        references: dict[int, list[Sequence[str]]] = {}
        sum_of_losses, num_words = 0.0, 0
        for values in self._batches():
            sum_of_losses += float(values["sum_of_losses"].sum(dtype=np.float64))
            num_words += int(values["num_words"].sum())
            for each in self._describe(values):
                # With a record for each caption an image comes several times.
                candidates.setdefault(each.image_id, each.caption)
                references.setdefault(each.image_id, []).extend(each.references)
                if observe is not None:
                    observe(each)
        return Evaluation(
            self._session.checkpoint,
            self._session.step,
            self._split,
            caption_scores.score(candidates, references, sum_of_losses, num_words),
            time.monotonic() - start,
        )

    def _batches(self) -> Iterator[dict[str, np.ndarray]]:
        return self._session.counted_batches(
            self._iterator,
            self._fetches,
            split=self._split,
            num_examples=self._spec.split(self._split).num_examples,
            explain_missing=functools.partial(shard_check.explain_missing, self._spec, self._split),
        )

    def _describe(self, values: Mapping[str, np.ndarray]) -> Iterator[DescribedImage]:
        for index, name in enumerate(values["image_names"]):
            words = [
                self._vocabulary.words[each]
                for each in values["words"][index, : values["lengths"][index]]
            ]
            references = [
                tuple(word.decode() for word in caption if word)
                for caption in values["references"][index]
            ]
            yield DescribedImage(
                name.decode(errors="replace"),
                int(values["image_ids"][index]),
                tuple(self._vocabulary.without_marks(words)),
                float(values["log_probabilities"][index]),
                tuple(filter(None, references)),
            )


def _build(
    batch: input_pipeline.Batch, description: RunDescription, search: SearchOptions
) -> dict[str, tf.Tensor]:
    model, known = description.model, description.vocabulary
    features = network.encode(batch["image"], model, 0.0, BatchNormMode())
    decoder = network.make_decoder(model, features.shape[-1].value)
    found = beam_search.search(decoder, features, known.start, known.end, search, known.unknown)
    count = tf.shape(batch["ids"])[1]
    ids = tf.reshape(batch["ids"], [-1, tf.shape(batch["ids"])[2]])
    lengths = tf.reshape(batch["lengths"], [-1])
    logits = decoder.unroll(tf.repeat(features, count, axis=0), ids[:, :-1]).logits
    mask = tf.sequence_mask(lengths - 1, tf.shape(ids)[1] - 1, tf.float32)
    sums = tf.reduce_sum(losses.word_losses(logits, ids[:, 1:]) * mask, axis=1)
    by_image = [-1, count]
    return {
        "image_names": batch["image_name"],
        "image_ids": batch["image_id"],
        "sum_of_losses": tf.reduce_sum(tf.reshape(sums, by_image), axis=1),
        "num_words": tf.reduce_sum(tf.reshape(tf.reduce_sum(mask, axis=1), by_image), axis=1),
        "words": found.words[:, 0],
        "lengths": found.lengths[:, 0],
        "log_probabilities": found.log_probabilities[:, 0],
        "references": batch["captions"],
    }
