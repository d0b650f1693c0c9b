"""Training batches in research/deeplab's order: whole images are decoded, scaled, cut, padded.

The reference of `input_pipeline`, which draws the same crops and takes a shorter way to
them: its batches are compared with these by a test, and its speed by the benchmarks. Floating point
from the start, as in research/deeplab's `input_preprocess.py`.
"""

from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from datasets.records import record_order
from datasets.segmentation import specs
from deeplab.data import input_pipeline, preprocess
from deeplab.options import InputOptions
from reference import augmentation


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
    shuffled_crops: int = 0,
) -> tf.data.Dataset:
    """Makes the batches of `deeplab.data.input_pipeline.training_batches`, which has the arguments.

    Args:
      shuffled_crops: crops that are held and shuffled, as research/deeplab does (it holds 100); 0
        keeps the order, so that the same seed gives the batches of `deeplab.data.input_pipeline`.
    """
    crop_size = input_options.crop_size
    assert crop_size is not None

    @tf.autograph.experimental.do_not_convert
    def prepare(serialized: tf.Tensor, index: tf.Tensor) -> preprocess.Example:
        scale_seed, crop_seed, flip_seed = tf.unstack(
            tf.random.experimental.stateless_split(
                tf.stack([tf.constant(seed or 0, tf.int64), index]), num=3
            )
        )
        example = input_pipeline.parse_example(serialized, spec, with_laplacian)
        for key, dtype in (("image", tf.float32), ("label", tf.int32), ("laplacian", tf.float32)):
            if key in example:
                example[key] = tf.cast(example[key], dtype)
        example = preprocess.resize_to_range(example, input_options)
        example = augmentation.random_scale(
            example,
            input_options.min_scale_factor,
            input_options.max_scale_factor,
            input_options.scale_factor_step_size,
            scale_seed,
        )
        example = augmentation.random_crop(example, crop_size, crop_seed)
        example["height"], example["width"] = tf.unstack(preprocess.image_size(example))
        example = augmentation.pad_to_crop(example, crop_size, mean_pixel, spec.ignore_label)
        example = augmentation.random_flip(example, flip_seed)
        if with_laplacian:
            example["laplacian"] = example["laplacian"][::laplacian_stride, ::laplacian_stride]
        return example

    batches = record_order.numbered_records(spec, split, seed).map(
        prepare,
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=seed is not None,
    )
    if shuffled_crops:
        batches = batches.shuffle(shuffled_crops, seed=seed)
    return batches.batch(batch_size, drop_remainder=True).prefetch(2)
