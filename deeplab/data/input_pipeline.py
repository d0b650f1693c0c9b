"""TFRecord shards → batches for training and evaluation, as one tf.data graph.

What a training image goes through is that of research/deeplab (`input_preprocess.py`): resize to
a range, random scale, random crop and padding, flip; evaluation only resizes and pads. But the crop
is chosen first and then computed in one go (`deeplab.data.training_crop`); batches are those of the
plain order, which `reference/input_order.py` keeps. What research/deeplab has not, other colors,
blur, compression (`deeplab.data.photo_changes`) and rotation (`deeplab.data.rotation`), is drawn
in the same way, if options ask for it.

Two things differ from research/deeplab: encoded records are shuffled instead of preprocessed crops,
which holds a hundredth of the memory, and a mask that does not fit its image or the classes is an
error that names the image, where research/deeplab trains without a loss on such pixels.
"""

import os
import random
from collections.abc import Sequence

import cv2
import tensorflow.compat.v1 as tf

from datasets.records import record_order
from datasets.segmentation import record_format, specs
from deeplab.data import input_errors, preprocess, training_crop
from deeplab.options import InputOptions

# Of an image on its way into a batch: its decoded file, mask and Laplacian, and copies of these as
# floats where it is resized or padded.
_BYTES_PER_PIXEL = 32
# Of an evaluation's batch: float32 image and Laplacian, int32 label.
_BATCH_BYTES_PER_PIXEL = 20
# Batches made ahead of the network. They are large; two hide the variation of decoding times.
_PREFETCHED_BATCHES = 2
# Of an evaluation's batch.
_TYPES = {"image": tf.float32, "label": tf.int32, "laplacian": tf.float32}


def training_batches(
    spec: specs.DatasetSpec,
    split: str,
    input_options: InputOptions,
    *,
    batch_size: int,
    mean_pixel: Sequence[float],
    with_laplacian: bool,
    laplacian_stride: int = 1,
    seed: int | None = None,
) -> tf.data.Dataset:
    """Makes shuffled, augmented batches, without end.

    Args:
      spec, split: the dataset and the name of the split.
      input_options: sizes, random scales and other random changes.
      batch_size: may exceed the number of images in the split.
      mean_pixel: RGB color, 0..255, of the padding.
      with_laplacian: whether batches carry the Laplacian channel.
      laplacian_stride: distance of the pixels at which they carry it (`decoder.laplacian_stride`);
        a divisor of the sides of the crop less one.
      seed: the same seed gives the same batches in the same order; None for new ones each time.

    Returns:
      A dataset of dictionaries: "image" float32 [batch, height, width, 3], RGB, 0..255; "label"
      uint8 [batch, height, width, 1]; "laplacian" float32 [batch, (height - 1) / stride + 1,
      (width - 1) / stride + 1, 1] if asked for; "image_name" string [batch]; "height" and "width"
      int32 [batch], the part of the crop that is image and not padding. All shapes are known to
      the graph.

    Raises:
      ValueError: the split or its files are missing, or there is no crop size.
    """
    if input_options.crop_size is None:
        raise ValueError("training needs a crop size, for example 513,513.")
    assert all((side - 1) % laplacian_stride == 0 for side in input_options.crop_size)
    _check_batch_size(batch_size)
    first_seed = random.SystemRandom().randrange(1 << 31) if seed is None else seed
    # tf.data has an image in work for each core; OpenCV's own threads would wait for each other.
    cv2.setNumThreads(0)

    @tf.autograph.experimental.do_not_convert
    def prepare(serialized: tf.Tensor, index: tf.Tensor) -> preprocess.Example:
        seed_of_image = tf.stack([first_seed, index])
        seeds = tf.random.experimental.stateless_split(seed_of_image, num=3)
        # Apart, so that scale, place and mirror are the same with other changes and without.
        more = tf.random.experimental.stateless_split(
            tf.random.experimental.stateless_fold_in(seed_of_image, 1), num=2
        )
        return training_crop.training_crop(
            record_format.parse_record(serialized, with_laplacian),
            spec,
            input_options,
            [*tf.unstack(seeds), *tf.unstack(more)],
            mean_pixel=mean_pixel,
            laplacian_stride=laplacian_stride if with_laplacian else None,
        )

    batches = record_order.numbered_records(spec, split, seed).map(
        prepare,
        num_parallel_calls=_num_parallel_calls(spec, split, input_options),
        deterministic=seed is not None,
    )
    return batches.batch(batch_size, drop_remainder=True).prefetch(_PREFETCHED_BATCHES)


def evaluation_batches(
    spec: specs.DatasetSpec,
    split: str,
    input_options: InputOptions,
    *,
    batch_size: int,
    mean_pixel: Sequence[float],
    with_laplacian: bool,
) -> tf.data.Dataset:
    """Makes batches of whole images, each image once, in the order of the records.

    Images are padded to the crop size and never cut. Arguments are those of `training_batches`; the
    last batch may be smaller.

    Returns:
      A dataset like that of `training_batches`, but labels are int32; the batch dimension is not
      known to the graph, nor are height and width without a crop size.

    Raises:
      ValueError: the split or its files are missing, or a batch of several images has no crop
        size. Reading raises `tf.errors.InvalidArgumentError` for an image larger than the crop.
    """
    crop_size = input_options.crop_size
    _check_batch_size(batch_size)
    if crop_size is None and batch_size > 1:
        raise ValueError(f"a batch of {batch_size} images needs a crop size to pad them to.")
    shards = record_order.nonempty_shards(spec, split)

    @tf.autograph.experimental.do_not_convert
    def prepare(serialized: tf.Tensor) -> preprocess.Example:
        example = parse_example(serialized, spec, with_laplacian)
        example = preprocess.resize_to_range(example, input_options)
        example["height"], example["width"] = tf.unstack(preprocess.image_size(example))
        if crop_size is not None:
            example = _after(input_errors.assert_fits(example, crop_size), example)
            example = preprocess.pad_to_crop(example, crop_size, mean_pixel, spec.ignore_label)
        return {key: tf.cast(value, _TYPES.get(key, value.dtype)) for key, value in example.items()}

    examples = tf.data.TFRecordDataset(shards).map(
        prepare,
        num_parallel_calls=_num_parallel_calls(spec, split, input_options),
        deterministic=True,
    )
    num_prefetched = _num_prefetched(spec, split, input_options, batch_size)
    batches = examples.batch(batch_size)
    return batches.prefetch(num_prefetched) if num_prefetched else batches


def parse_example(
    serialized: tf.Tensor, spec: specs.DatasetSpec, with_laplacian: bool
) -> preprocess.Example:
    """Decodes a record as `record_format.parse_example` and checks the ids of its mask.

    The channel that records call gradient is "laplacian" here.
    """
    example = record_format.parse_example(serialized, with_laplacian)
    if with_laplacian:
        example["laplacian"] = example.pop("gradient")
    return _after(input_errors.assert_labels(example, spec), example)


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch size is {batch_size}; expected 1 or more images.")


def _num_parallel_calls(spec: specs.DatasetSpec, split: str, input_options: InputOptions) -> int:
    """Returns how many images to prepare at once, `AUTOTUNE` where every core may have one."""
    described = spec.split(split)
    num_bytes = described.max_height * described.max_width * _BYTES_PER_PIXEL
    fitting = (input_options.input_memory_mb << 20) // max(1, num_bytes)
    return tf.data.AUTOTUNE if fitting >= (os.cpu_count() or 1) else max(1, fitting)


def _num_prefetched(
    spec: specs.DatasetSpec, split: str, input_options: InputOptions, batch_size: int
) -> int:
    """Returns how many batches of whole images to make ahead."""
    described = spec.split(split)
    height, width = input_options.crop_size or (described.max_height, described.max_width)
    num_bytes = max(1, batch_size * height * width * _BATCH_BYTES_PER_PIXEL)
    return min(_PREFETCHED_BATCHES, (input_options.input_memory_mb << 20) // num_bytes)


def _after(check: tf.Operation, example: preprocess.Example) -> preprocess.Example:
    """Returns the example, of which no value is used before the check has passed."""
    with tf.control_dependencies([check]):
        return {key: tf.identity(value) for key, value in example.items()}
