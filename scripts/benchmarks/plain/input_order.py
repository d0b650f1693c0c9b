"""The input pipeline in research/deeplab's order: whole pictures are scaled, padded, then cut.

Floating point from the start, and a shuffle over preprocessed crops, as in its `data_generator.py`
(100 crops, hundreds of MB). The reference that `deeplab.input_pipeline` is measured beside.
"""

from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from datasets import segmentation, specs
from deeplab.input_pipeline import InputOptions

_SHUFFLED_CROPS = 100


def training_batches(
    spec: specs.DatasetSpec,
    split: str,
    input_options: InputOptions,
    *,
    batch_size: int,
    mean_pixel: Sequence[float],
    with_gradient: bool,
    seed: int | None = None,
    num_parallel_calls: int | None = None,
) -> tf.data.Dataset:
    """Makes the batches of `deeplab.input_pipeline.training_batches`, which has the arguments.

    A resize to a range is not done.
    """
    height, width = input_options.crop_size
    low, high = input_options.min_scale_factor, input_options.max_scale_factor
    step = input_options.scale_factor_step_size
    scales = tf.linspace(low, high, int((high - low) / step) + 1) if step else None

    @tf.autograph.experimental.do_not_convert
    def prepare(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        example = segmentation.parse_example(serialized, with_gradient)
        channels = [tf.cast(example["image"], tf.float32)]
        if with_gradient:
            channels.append(tf.cast(example["gradient"], tf.float32))
        label = tf.cast(example["label"], tf.int32)

        scale = tf.random.uniform([], low, high)
        if scales is not None:
            scale = tf.random.shuffle(scales)[0]
        size = tf.cast(tf.cast(tf.shape(label)[:2], tf.float32) * scale, tf.int32)
        channels = [
            tf.image.resize_bilinear(channel[tf.newaxis], size, align_corners=True)[0]
            for channel in channels
        ]
        label = tf.image.resize_nearest_neighbor(label[tf.newaxis], size, align_corners=True)[0]

        bottom = tf.maximum(height - size[0], 0)
        right = tf.maximum(width - size[1], 0)
        fills = [tf.constant(mean_pixel, tf.float32), tf.zeros([1])]
        channels = [
            _pad(channel - fill, bottom, right) + fill
            for channel, fill in zip(channels, fills, strict=False)
        ]
        label = _pad(label - spec.ignore_label, bottom, right) + spec.ignore_label

        top = tf.random.uniform([], 0, tf.shape(label)[0] - height + 1, tf.int32)
        left = tf.random.uniform([], 0, tf.shape(label)[1] - width + 1, tf.int32)
        values = [
            tf.slice(value, [top, left, 0], [height, width, value.shape[-1]])
            for value in (*channels, label)
        ]
        is_flipped = tf.random.uniform([]) < 0.5
        values = [
            tf.cond(is_flipped, lambda v=value: tf.reverse(v, [1]), lambda v=value: v)
            for value in values
        ]
        batch = {
            "image": values[0],
            "label": values[-1],
            "image_name": example["image_name"],
            "height": tf.minimum(size[0], height),
            "width": tf.minimum(size[1], width),
        }
        if with_gradient:
            batch["gradient"] = values[1]
        for name, depth in (("image", 3), ("label", 1), ("gradient", 1)):
            if name in batch:
                batch[name].set_shape([height, width, depth])
        return batch

    dataset = tf.data.TFRecordDataset(spec.shard_paths(split)).map(
        prepare, num_parallel_calls=num_parallel_calls or tf.data.AUTOTUNE
    )
    dataset = dataset.shuffle(_SHUFFLED_CROPS, seed=seed).repeat()
    return dataset.batch(batch_size, drop_remainder=True).prefetch(batch_size)


def _pad(value: tf.Tensor, bottom: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    return tf.pad(value, [[0, bottom], [0, right], [0, 0]])
