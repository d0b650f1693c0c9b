"""TFRecord shards → batches for training and evaluation, as one tf.data graph.

What a training image goes through is that of research/deeplab (`input_preprocess.py`): resize to
a range, random scale, random crop and padding, flip; evaluation only resizes and pads. But the crop
is chosen first and then computed in one go (`deeplab.data.training_crop`); batches are those of the
plain order, which `reference/input_order.py` keeps.

Two things differ from research/deeplab: encoded records are shuffled instead of preprocessed crops,
which holds a hundredth of the memory, and a mask that does not fit its image or the classes is an
error that names the image, where research/deeplab trains without a loss on such pixels.
"""

import os
import random
from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from datasets.segmentation import record_format, specs
from deeplab.data import input_errors, preprocess, training_crop
from deeplab.options import InputOptions

# Bytes a pixel of an image in the making: its decoded file, mask and gradient, and copies of these
# as floats where it is resized or padded.
_BYTES_PER_PIXEL = 32

# Bytes a pixel of an evaluation's batch: float32 image and gradient, int32 label.
_BATCH_BYTES_PER_PIXEL = 20

# Memory for the shuffled records. A few thousand images of ordinary size; a dataset with larger
# ones is shuffled over fewer of them.
_SHUFFLE_BYTES = 256 << 20

# Shards read at the same time: more mix the order better, each holds a file open.
_OPEN_SHARDS = 16

# Batches made ahead of the network. They are large; two hide the variation of decoding times.
_PREFETCHED_BATCHES = 2


def training_batches(
    spec: specs.DatasetSpec,
    split: str,
    input_options: InputOptions,
    *,
    batch_size: int,
    mean_pixel: Sequence[float],
    with_gradient: bool,
    gradient_stride: int = 1,
    seed: int | None = None,
    num_parallel_calls: int | None = None,
) -> tf.data.Dataset:
    """Makes shuffled, augmented batches, without end.

    Args:
      spec: the dataset.
      split: name of the split.
      input_options: sizes and random scales.
      batch_size: images in a batch; may exceed the number of images in the split.
      mean_pixel: RGB color, 0..255, of the padding.
      with_gradient: whether batches carry the Laplacian gradient.
      gradient_stride: distance of the pixels at which they carry it; a network whose decoder takes
        every fourth pixel needs no others. Divides the crop's sides less one.
      seed: the same seed gives the same batches in the same order; None for new ones each time.
      num_parallel_calls: threads that decode and augment; None lets tf.data decide, as far as the
        memory for images in the making allows.

    Returns:
      A dataset of dictionaries: "image" float32 [batch, height, width, 3], RGB, 0..255; "label"
      uint8 [batch, height, width, 1]; "gradient" float32 [batch, (height - 1) / stride + 1,
      (width - 1) / stride + 1, 1] if asked for; "image_name" string [batch]; "height" and "width"
      int32 [batch], the part of the crop that is image and not padding. All shapes are known to
      the graph.

    Raises:
      ValueError: the split or its files are missing, or there is no crop size.
    """
    if input_options.crop_size is None:
        raise ValueError("training needs a crop size, for example 513,513.")
    _check_batch_size(batch_size)
    _check_gradient_stride(gradient_stride, input_options.crop_size)
    first_seed = random.SystemRandom().randrange(1 << 31) if seed is None else seed

    @tf.autograph.experimental.do_not_convert
    def prepare(serialized: tf.Tensor, index: tf.Tensor) -> preprocess.Example:
        seeds = tf.random.experimental.stateless_split(tf.stack([first_seed, index]), num=3)
        return training_crop.training_crop(
            record_format.parse_record(serialized, with_gradient),
            spec,
            input_options,
            tf.unstack(seeds),
            mean_pixel=mean_pixel,
            gradient_stride=gradient_stride if with_gradient else None,
        )

    batches = numbered_records(spec, split, seed).map(
        prepare,
        num_parallel_calls=num_parallel_calls or _num_parallel_calls(spec, split, input_options),
        deterministic=seed is not None,
    )
    return batches.batch(batch_size, drop_remainder=True).prefetch(_PREFETCHED_BATCHES)


def numbered_records(spec: specs.DatasetSpec, split: str, seed: int | None) -> tf.data.Dataset:
    """Opens the records of a split, shuffled and without end.

    Args:
      spec, split, seed: as for `training_batches`.

    Returns:
      A dataset of (serialized record, its number from 0 on, which its random draws depend on).

    Raises:
      ValueError: the split or its files are missing.
    """
    shards = _nonempty_shards(spec, split)
    num_examples = spec.split(split).num_examples
    records = tf.data.Dataset.from_tensor_slices(shards).shuffle(len(shards), seed=seed)
    records = records.interleave(
        tf.data.TFRecordDataset,
        cycle_length=_num_open_shards(num_examples, shards),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=seed is not None,
    )
    records = records.shuffle(_shuffle_buffer(num_examples, shards), seed=seed).repeat()
    return tf.data.Dataset.zip((records, tf.data.Dataset.counter()))


def evaluation_batches(
    spec: specs.DatasetSpec,
    split: str,
    input_options: InputOptions,
    *,
    batch_size: int,
    mean_pixel: Sequence[float],
    with_gradient: bool,
) -> tf.data.Dataset:
    """Makes batches of whole images, each image once, in the order of the records.

    Args:
      spec, split, input_options, mean_pixel, with_gradient: as for `training_batches`; images
        are padded to the crop size and never cut.
      batch_size: images in a batch; the last one may be smaller.

    Returns:
      A dataset like that of `training_batches`, but labels are int32; the batch dimension is not
      known to the graph, nor are height and width without a crop size.

    Raises:
      ValueError: the split or its files are missing, or a batch of several images has no crop
        size. Reading raises `tf.errors.InvalidArgumentError` for an image larger than the crop.
    """
    _check_batch_size(batch_size)
    if input_options.crop_size is None and batch_size > 1:
        raise ValueError(
            f"a batch of {batch_size} images needs a crop size that all are padded to."
        )
    shards = _nonempty_shards(spec, split)

    @tf.autograph.experimental.do_not_convert
    def prepare(serialized: tf.Tensor) -> preprocess.Example:
        example = _parse(serialized, spec, with_gradient)
        example = _set_size(preprocess.resize_to_range(example, *input_options.resize_range))
        if input_options.crop_size is not None:
            example = _after(input_errors.assert_fits(example, input_options.crop_size), example)
            example = preprocess.pad_to_crop(
                example, input_options.crop_size, mean_pixel, spec.ignore_label
            )
        return _finish(example)

    examples = tf.data.TFRecordDataset(shards).map(
        prepare,
        num_parallel_calls=_num_parallel_calls(spec, split, input_options),
        deterministic=True,
    )
    num_prefetched = _num_prefetched(spec, split, input_options, batch_size)
    batches = examples.batch(batch_size)
    return batches.prefetch(num_prefetched) if num_prefetched else batches


def crop_for(
    spec: specs.DatasetSpec,
    splits: Sequence[str],
    output_stride: int,
    *,
    min_resize_value: int | None = None,
    max_resize_value: int | None = None,
    resize_factor: int | None = None,
    keep_aspect_ratio: bool = True,
) -> tuple[int, int]:
    """Returns the smallest crop that holds every image of some splits.

    Args:
      spec: the dataset.
      splits: names of the splits.
      output_stride: of the network; the crop's sides are multiples of it plus one.
      min_resize_value, max_resize_value, resize_factor, keep_aspect_ratio: the resize before
        padding; a min_resize_value of None for none. The last does not change the longest side.

    Returns:
      (height, width), pixels.

    Raises:
      ValueError: a split is missing, or its images are resized without an upper limit.
    """
    del keep_aspect_ratio
    if min_resize_value is None:
        height = max(spec.split(name).max_height for name in splits)
        width = max(spec.split(name).max_width for name in splits)
    elif max_resize_value is None:
        raise ValueError(
            f"min_resize_value {min_resize_value} without max_resize_value leaves the longer side "
            "of the images open; give max_resize_value, or the crop size."
        )
    else:
        height = width = preprocess.largest_side(max_resize_value, resize_factor)
    return _round_up(height, output_stride), _round_up(width, output_stride)


def check_crop_size(crop_size: Sequence[int], output_stride: int) -> None:
    """Checks that a crop is height, width and that both are multiples of the stride plus one.

    Only then do the corners of image, feature maps and logits fall onto each other.

    Raises:
      ValueError: they are not; names the nearest sizes that are.
    """
    if len(crop_size) != 2:
        raise ValueError(
            f"crop size is {','.join(map(str, crop_size))}; expected two numbers: height,width."
        )
    for direction, side in zip(("height", "width"), crop_size, strict=True):
        if side < 1 or (side - 1) % output_stride:
            above = _round_up(max(side, 1), output_stride)
            below = above - output_stride
            nearest = f"{below} or {above}" if below > 0 else f"{above}"
            raise ValueError(
                f"crop {direction} is {side}; expected a multiple of output_stride "
                f"{output_stride} plus one, such as {nearest}."
            )


def _round_up(side: int, output_stride: int) -> int:
    return side + (1 - side) % output_stride


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch size is {batch_size}; expected 1 or more images.")


def _check_gradient_stride(gradient_stride: int, crop_size: tuple[int, int]) -> None:
    if gradient_stride < 1 or any((side - 1) % gradient_stride for side in crop_size):
        raise ValueError(
            f"gradient_stride is {gradient_stride}; expected a divisor of the sides of the crop "
            f"{crop_size[0]},{crop_size[1]} less one."
        )


def _nonempty_shards(spec: specs.DatasetSpec, split: str) -> list[str]:
    """Returns the files of a split.

    Raises:
      ValueError: there are none, or they hold no record: `repeat` would search them for ever.
    """
    shards = spec.shard_paths(split)
    if not any(os.path.getsize(shard) for shard in shards):
        raise ValueError(
            f"split {split!r} of dataset {spec.name!r} in {spec.directory} holds no images."
        )
    return shards


def _shuffle_buffer(num_examples: int, shards: Sequence[str]) -> int:
    """Returns how many encoded records fit into the memory for shuffling."""
    num_bytes = sum(os.path.getsize(shard) for shard in shards)
    return max(1, min(num_examples, num_examples * _SHUFFLE_BYTES // num_bytes))


def _num_open_shards(num_examples: int, shards: Sequence[str]) -> int:
    """Returns from how many shards to read at once: of each, some records are held."""
    num_bytes = sum(os.path.getsize(shard) for shard in shards)
    fitting = num_examples * _SHUFFLE_BYTES // (2 * num_bytes)
    return max(1, min(len(shards), _OPEN_SHARDS, fitting))


def _num_parallel_calls(spec: specs.DatasetSpec, split: str, input_options: InputOptions) -> int:
    """Returns how many images to prepare at once, `AUTOTUNE` where every core may have one."""
    described = spec.split(split)
    num_bytes = max(1, described.max_height * described.max_width * _BYTES_PER_PIXEL)
    fitting = (input_options.input_memory_mb << 20) // num_bytes
    return tf.data.AUTOTUNE if fitting >= (os.cpu_count() or 1) else max(1, fitting)


def _num_prefetched(
    spec: specs.DatasetSpec, split: str, input_options: InputOptions, batch_size: int
) -> int:
    """Returns how many batches of whole images to make ahead."""
    described = spec.split(split)
    height, width = input_options.crop_size or (described.max_height, described.max_width)
    num_bytes = max(1, batch_size * height * width * _BATCH_BYTES_PER_PIXEL)
    return min(_PREFETCHED_BATCHES, (input_options.input_memory_mb << 20) // num_bytes)


def _parse(
    serialized: tf.Tensor, spec: specs.DatasetSpec, with_gradient: bool
) -> preprocess.Example:
    """Decodes a record and checks the ids of its mask."""
    example = record_format.parse_example(serialized, with_gradient)
    return _after(input_errors.assert_labels(example, spec), example)


def _set_size(example: preprocess.Example) -> preprocess.Example:
    shape = tf.shape(example["image"])
    return {**example, "height": shape[0], "width": shape[1]}


def _finish(example: preprocess.Example) -> preprocess.Example:
    for key, dtype in (("image", tf.float32), ("label", tf.int32), ("gradient", tf.float32)):
        if key in example:
            example[key] = tf.cast(example[key], dtype)
    return example


def _after(check: tf.Operation, example: preprocess.Example) -> preprocess.Example:
    """Returns the example, of which no value is used before the check has passed."""
    with tf.control_dependencies([check]):
        return {key: tf.identity(value) for key, value in example.items()}
