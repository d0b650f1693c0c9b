"""TFRecord shards of images and captions → batches for training and evaluation."""

import os
import random
from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf

from captioning.data import preprocess
from captioning.options import AugmentationOptions, ViewOptions
from datasets.captioning import record_format
from datasets.captioning.specs import CaptioningSpec
from datasets.images import image_graph
from datasets.records import record_errors, record_order

# Batches made ahead of the network; two hide the variation of decoding times.
_PREFETCHED_BATCHES = 2

Batch = Mapping[str, tf.Tensor]


def training_batches(
    spec: CaptioningSpec,
    split: str,
    view: ViewOptions,
    augmentation: AugmentationOptions,
    *,
    batch_size: int,
    seed: int | None = None,
    features: CaptioningSpec | None = None,
    feature_shape: Sequence[int] = (),
) -> tf.data.Dataset:
    """Makes shuffled, augmented batches, without end.

    Args:
      spec, split: the dataset and the name of the split.
      view: how the network sees an image.
      augmentation: how images are varied, and how many of their captions are read.
      batch_size: images; may exceed the number of images in the split.
      seed: the same seed gives the same batches in the same order; None for new ones each time.
      features: the same split with features in place of images (`captioning.feature_cache`), which
        are not varied; None for images.
      feature_shape: theirs.

    Returns:
      A dataset of dictionaries: "image" float32 [batch, size, size, 3], RGB, 0..255, or "features"
      float16 [batch, *feature_shape]; "ids" int32
      [batch, captions, length], 0 after the last word of a shorter caption; "lengths" int32 [batch,
      captions], with the words that mark start and end; "image_name" string [batch]; "image_id"
      int64 [batch].

    Raises:
      ValueError: the split or its files are missing.
    """
    _check_batch_size(batch_size)
    first_seed = random.SystemRandom().randrange(1 << 31) if seed is None else seed

    @tf.autograph.experimental.do_not_convert
    def prepare(serialized: tf.Tensor, index: tf.Tensor) -> dict[str, tf.Tensor]:
        example = _parse(serialized, spec, features is not None)
        image_seed, caption_seed = tf.unstack(
            tf.random.experimental.stateless_split(tf.stack([first_seed, index]), num=2)
        )
        chosen = _draw(
            tf.shape(example["lengths"])[0], augmentation.captions_per_image, caption_seed
        )
        if features is None:
            image = image_graph.decode(example["encoded"])
            seen = preprocess.training_image(image, view.image_size, augmentation, image_seed)
            of_image = {"image": seen}
        else:
            of_image = {"features": tf.ensure_shape(example["features"], feature_shape)}
        return {
            **of_image,
            "ids": tf.gather(example["ids"], chosen),
            "lengths": tf.gather(example["lengths"], chosen),
            "image_name": example["image_name"],
            "image_id": example["image_id"],
        }

    batches = record_order.numbered_records(features or spec, split, seed).map(
        prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=seed is not None
    )
    return _padded(batches, batch_size, drop_remainder=True)


def evaluation_batches(
    spec: CaptioningSpec, split: str, view: ViewOptions, *, batch_size: int
) -> tf.data.Dataset:
    """Makes batches in which each record is once; the last one may be smaller.

    Args:
      spec, split, view, batch_size: as of `training_batches`.

    Returns:
      A dataset like that of `training_batches`, but images are not varied and all their captions
      are there, so that "lengths" has 0 for those that an image does not have; besides, "number"
      int64 [batch], the place of each in the order of the records, and "captions" string [batch,
      captions, length], words as they are in the records.

    Raises:
      ValueError: the split or its files are missing.
    """
    _check_batch_size(batch_size)

    @tf.autograph.experimental.do_not_convert
    def prepare(number: tf.Tensor, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        example = _parse(serialized, spec)
        image = image_graph.decode(example.pop("encoded"))
        seen = preprocess.evaluation_images(image[tf.newaxis], view.image_size)[0]
        return {"image": seen, "number": number, **example}

    records = tf.data.TFRecordDataset(record_order.nonempty_shards(spec, split)).enumerate()
    examples = records.map(prepare, num_parallel_calls=os.cpu_count() or 1, deterministic=True)
    return _padded(examples, batch_size, drop_remainder=False)


def explain(
    error: tf.errors.OpError, spec: CaptioningSpec, split: str, has_features: bool = False
) -> ValueError | None:
    """Turns an error of a session into one that names the image or the file at fault.

    Args:
      error: of the session.
      spec, split: what was read.
      has_features: whether its records have features in place of images.

    Returns:
      None if the data are not the cause.
    """

    def read(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        if has_features:
            return {"image_name": record_format.parse_features(serialized)["image_name"]}
        example = record_format.parse_example(serialized)
        image = image_graph.decode(example["encoded"])
        return {"image_name": example["image_name"], "image": image}

    return record_errors.explain(error, lambda: spec.shard_paths(split), read)


def _parse(
    serialized: tf.Tensor, spec: CaptioningSpec, has_features: bool = False
) -> dict[str, tf.Tensor]:
    """Reads a record, with int32 for ids and lengths."""
    parse = record_format.parse_features if has_features else record_format.parse_example
    example = parse(serialized)
    num_words = len(spec.words)
    check = record_errors.check(
        tf.reduce_all(example["ids"] < num_words) & (tf.size(example["lengths"]) > 0),
        lambda: [
            "image ",
            example["image_name"],
            f" has no captions, or words that dataset {spec.name}, of {num_words}, does not have: "
            "build it again",
        ],
    )
    with tf.control_dependencies([check]):
        ids = tf.cast(example["ids"], tf.int32)
    return {**example, "ids": ids, "lengths": tf.cast(example["lengths"], tf.int32)}


def _draw(num_captions: tf.Tensor, count: int, seed: tf.Tensor) -> tf.Tensor:
    """Draws captions of an image, int32 [count]: each once before one comes again."""
    order = tf.argsort(tf.random.stateless_uniform([num_captions], seed))
    return tf.ensure_shape(tf.tile(order, [-(-count // num_captions)])[:count], [count])


def _padded(examples: tf.data.Dataset, batch_size: int, drop_remainder: bool) -> tf.data.Dataset:
    batches = examples.padded_batch(
        batch_size,
        tf.data.get_output_shapes(examples),
        drop_remainder=drop_remainder,
    )
    return batches.prefetch(_PREFETCHED_BATCHES)


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch size is {batch_size}; expected 1 or more images.")
