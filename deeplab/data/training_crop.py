"""One training example from its record: the crop is drawn first, then decoded and scaled."""

from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from datasets.segmentation import record_format, specs
from datasets.segmentation.laplacian import laplacian_of_image
from deeplab.data import crop_window, input_errors, preprocess
from deeplab.data.crop_window import Window
from deeplab.options import InputOptions


def training_crop(
    record: record_format.Record,
    spec: specs.DatasetSpec,
    options: InputOptions,
    seeds: Sequence[tf.Tensor],
    *,
    mean_pixel: Sequence[float],
    laplacian_stride: int | None,
) -> preprocess.Example:
    """Draws a crop of an image and computes it.

    Args:
      spec: the dataset, for its classes.
      options: has a crop size.
      seeds: integer [2] each, of the random scale, the crop's place, and the mirror.
      mean_pixel: RGB color, 0..255, of the padding.
      laplacian_stride: distance of the pixels of the Laplacian; None for none.

    Returns:
      "image" float32 [height, width, 3], RGB, 0..255; "label" uint8 [height, width, 1]; "laplacian"
      float32 [(height - 1) // stride + 1, (width - 1) // stride + 1, 1]; "image_name"; "height" and
      "width", the part of the crop that is image and not padding.
    """
    file_size = record_format.image_size(record)
    label = record_format.decode_label(record, file_size)
    check = input_errors.assert_labels({"label": label, "image_name": record.name}, spec)
    with tf.control_dependencies([check]):
        label = tf.identity(label)

    has_range = options.min_resize_value is not None
    size = preprocess.range_size(file_size, options)
    if has_range:
        label = tf.image.resize_nearest_neighbor(label[tf.newaxis], size, align_corners=True)[0]
    window = _draw(size, options, seeds)
    cut = _cut_resized if has_range else _cut
    image, laplacian = cut(record, window, mean_pixel, laplacian_stride)
    example = {
        "image": image,
        "label": crop_window.cut_label(label, window, spec.ignore_label),
        "image_name": record.name,
        "height": window.size[0],
        "width": window.size[1],
    }
    return example if laplacian is None else {**example, "laplacian": laplacian}


def _draw(size: tf.Tensor, options: InputOptions, seeds: Sequence[tf.Tensor]) -> Window:
    assert options.crop_size is not None
    scale_seed, crop_seed, flip_seed = seeds
    scaled_size = preprocess.scaled_size(
        size,
        options.min_scale_factor,
        options.max_scale_factor,
        options.scale_factor_step_size,
        scale_seed,
    )
    start, window_size = preprocess.window_of(scaled_size, options.crop_size, crop_seed)
    is_flipped = preprocess.flip_of(flip_seed)
    return crop_window.make_window(
        size, scaled_size, start, window_size, is_flipped, options.crop_size
    )


def _cut(
    record: record_format.Record,
    window: Window,
    mean_pixel: Sequence[float],
    laplacian_stride: int | None,
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Returns image and Laplacian of a crop; decodes what is needed."""
    nowhere, corner = tf.zeros([2], tf.int32), window.box[:2]

    def of_window() -> tuple[tf.Tensor, ...]:
        pixels = record_format.decode_image_window(record, window.box)
        return crop_window.interpolate(pixels, corner, window, mean_pixel), pixels, corner

    def of_whole() -> tuple[tf.Tensor, ...]:
        pixels = record_format.decode_image(record)
        return crop_window.cut_image(pixels, window, mean_pixel), pixels, nowhere

    image, pixels, origin = tf.cond(window.is_large, of_window, of_whole)
    if laplacian_stride is None:
        return image, None

    def computed() -> tuple[tf.Tensor, tf.Tensor]:
        part = _slice(pixels, window.box - tf.pad(origin, [[0, 2]]))
        # Its values at the rim, where it lacks neighbors, are used at the image's rim only.
        return tf.cast(laplacian_of_image(part), tf.int16), corner

    def stored() -> tuple[tf.Tensor, tf.Tensor]:
        values = record_format.read_stored_gradient(record, window.source_size)
        return values[..., 0], nowhere

    values, origin = tf.cond(record_format.is_computed(record), computed, stored)
    return image, crop_window.interpolate_channel(values, origin, window, laplacian_stride)


def _cut_resized(
    record: record_format.Record,
    window: Window,
    mean_pixel: Sequence[float],
    laplacian_stride: int | None,
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Returns image and Laplacian of a crop of an image that is resized as a whole before."""

    def resize(values: tf.Tensor) -> tf.Tensor:
        size = window.source_size
        return tf.image.resize_bilinear(values[tf.newaxis], size, align_corners=True)[0]

    decoded, box = record_format.decode_image(record), window.box
    image = resize(decoded)
    crop = tf.cond(
        window.is_large,
        lambda: crop_window.interpolate(_slice(image, box), box[:2], window, mean_pixel),
        lambda: crop_window.cut_image(image, window, mean_pixel),
    )
    if laplacian_stride is None:
        return crop, None
    values = resize(record_format.read_gradient(record, decoded))[..., 0]
    nowhere = tf.zeros([2], tf.int32)
    return crop, crop_window.interpolate_channel(values, nowhere, window, laplacian_stride)


def _slice(values: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    top, left, height, width = tf.unstack(box)
    part = tf.slice(values, tf.stack([top, left, 0]), tf.stack([height, width, -1]))
    part.set_shape([None, None, values.shape[-1]])
    return part
