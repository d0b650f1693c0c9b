"""TFRecord shards of labeled images → batches for training and evaluation, as one tf.data graph."""

import os
import random
from collections.abc import Mapping

import tensorflow.compat.v1 as tf

from classification.data import preprocess
from classification.options import AugmentationOptions, ViewOptions
from datasets.classification import record_format
from datasets.classification.specs import ClassificationSpec
from datasets.records import record_errors, record_order

# Batches made ahead of the network; two hide the variation of decoding times.
_PREFETCHED_BATCHES = 2

Batch = Mapping[str, tf.Tensor]


def training_batches(
    spec: ClassificationSpec,
    split: str,
    view: ViewOptions,
    augmentation: AugmentationOptions,
    *,
    batch_size: int,
    seed: int | None = None,
) -> tf.data.Dataset:
    """Makes shuffled, augmented batches, without end.

    Args:
      spec, split: the dataset and the name of the split.
      view: how the network sees an image.
      augmentation: how images are varied.
      batch_size: may exceed the number of images in the split.
      seed: the same seed gives the same batches in the same order; None for new ones each time.

    Returns:
      A dataset of dictionaries: "image" float32 [batch, size, size, 3], RGB, 0..255; "label" int32
      [batch], ids of the network's classes; "image_name" string [batch].

    Raises:
      ValueError: the split or its files are missing.
    """
    _check_batch_size(batch_size)
    first_seed = random.SystemRandom().randrange(1 << 31) if seed is None else seed

    @tf.autograph.experimental.do_not_convert
    def prepare(serialized: tf.Tensor, index: tf.Tensor) -> dict[str, tf.Tensor]:
        example = _parse(serialized, spec, view.labels_offset)
        image = preprocess.training_image(
            example.pop("encoded"), view, augmentation, tf.stack([first_seed, index])
        )
        return {"image": image, **example}

    batches = record_order.numbered_records(spec, split, seed).map(
        prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=seed is not None
    )
    return batches.batch(batch_size, drop_remainder=True).prefetch(_PREFETCHED_BATCHES)


def evaluation_batches(
    spec: ClassificationSpec,
    split: str,
    view: ViewOptions,
    *,
    batch_size: int,
    shuffle_seed: int | None = None,
) -> tf.data.Dataset:
    """Makes batches in which each image is once; the last one may be smaller.

    Args:
      spec, split, view, batch_size: as of `training_batches`.
      shuffle_seed: decides their order; None for that of the records.

    Returns:
      A dataset like that of `training_batches`, but images are not varied; besides, "number" int64
      [batch], the place of each in the order of the records.

    Raises:
      ValueError: the split or its files are missing.
    """
    _check_batch_size(batch_size)

    @tf.autograph.experimental.do_not_convert
    def prepare(number: tf.Tensor, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        example = _parse(serialized, spec, view.labels_offset)
        image = preprocess.decode(example.pop("encoded"))
        return {"image": preprocess.evaluation_image(image, view), "number": number, **example}

    records = tf.data.TFRecordDataset(record_order.nonempty_shards(spec, split)).enumerate()
    if shuffle_seed is not None:
        num_examples = spec.split(split).num_examples
        records = records.shuffle(min(num_examples, _SHUFFLED_EXAMPLES), seed=shuffle_seed)
    examples = records.map(prepare, num_parallel_calls=os.cpu_count() or 1, deterministic=True)
    return examples.batch(batch_size).prefetch(_PREFETCHED_BATCHES)


def whole_images(spec: ClassificationSpec, split: str, labels_offset: int) -> tf.data.Dataset:
    """Reads the images of a split one by one, each once and at its own size.

    Args:
      spec, split: the dataset and the name of the split.
      labels_offset: see `ViewOptions`.

    Returns:
      A dataset of dictionaries: "image" uint8 [height, width, 3], RGB; "label" int32 [], id of the
      network's class; "image_name" string [].

    Raises:
      ValueError: the split or its files are missing.
    """

    @tf.autograph.experimental.do_not_convert
    def decode(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        example = _parse(serialized, spec, labels_offset)
        return {"image": preprocess.decode(example.pop("encoded")), **example}

    records = tf.data.TFRecordDataset(record_order.nonempty_shards(spec, split))
    examples = records.map(decode, num_parallel_calls=os.cpu_count() or 1, deterministic=True)
    return examples.prefetch(_PREFETCHED_BATCHES)


# Records of one class may lie behind each other; they are files, so that many fit into memory.
_SHUFFLED_EXAMPLES = 4096


def _parse(serialized: tf.Tensor, spec: ClassificationSpec, labels_offset: int) -> dict:
    """Reads a record: "image_name", "encoded" and "label", the id of a class of the network."""
    example = record_format.parse_example(serialized)
    label = tf.cast(example["label"], tf.int32) - labels_offset
    num_classes = spec.num_classes - labels_offset
    check = record_errors.check(
        (label >= 0) & (label < num_classes),
        lambda: [
            "image ",
            example["image_name"],
            tf.strings.format(" has the label {}, ", example["label"]),
            f"but dataset {spec.name} has the labels {labels_offset}.."
            f"{spec.num_classes - 1} for the network: build it again, or give another "
            "--labels_offset",
        ],
    )
    with tf.control_dependencies([check]):
        return {**example, "label": tf.identity(label)}


def explain(error: tf.errors.OpError, spec: ClassificationSpec, split: str) -> ValueError | None:
    """Turns an error of a session into one that names the image or the file at fault.

    Returns:
      None if the data are not the cause.
    """

    def read(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        example = record_format.parse_example(serialized)
        return {**example, "image": preprocess.decode(example["encoded"])}

    return record_errors.explain(error, lambda: spec.shard_paths(split), read)


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch size is {batch_size}; expected 1 or more images.")
