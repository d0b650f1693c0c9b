"""One training example from its record: the crop is drawn first, then decoded and scaled.

Colors, blur and compression change what is decoded, before anything else (`photo_changes`); a
rotation is part of where the crop's pixels lie (`rotation`).
"""

import functools
from collections.abc import Callable, Sequence
from typing import TypeAlias

import tensorflow.compat.v1 as tf

from datasets.segmentation import record_format, specs
from datasets.segmentation.laplacian import laplacian_of_image
from deeplab.data import crop_window, input_errors, photo_changes, preprocess, rotation
from deeplab.data.crop_window import Window
from deeplab.data.rotation import Rotation
from deeplab.options import InputOptions

# Changes a decoded photo: gives it back, with its Laplacian if crops have one.
Change: TypeAlias = Callable[[tf.Tensor], tuple[tf.Tensor, ...]]


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
      seeds: integer [2] each, of the random scale, the crop's place, the mirror, the changes of
        the photo, and the rotation.
      mean_pixel: RGB color, 0..255, of the padding.
      laplacian_stride: distance of the pixels of the Laplacian; None for none.

    Returns:
      "image" float32 [height, width, 3], RGB, 0..255; "label" uint8 [height, width, 1]; "laplacian"
      float32 [(height - 1) // stride + 1, (width - 1) // stride + 1, 1]; "image_name"; "height" and
      "width", the part of the crop that is image and not padding, before a rotation.
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
    *geometry_seeds, photo_seed, rotation_seed = seeds
    window = _draw(size, options, geometry_seeds)
    strengths, change = options.strengths(), None
    if photo_changes.has_any(strengths):
        change = functools.partial(
            photo_changes.change,
            strengths=strengths,
            seed=photo_seed,
            with_laplacian=laplacian_stride is not None,
        )
    if strengths["rotation"]:
        drawn = rotation.rotated(window, strengths["rotation"], rotation_seed)
        image, laplacian = _cut_rotated(
            record, window, drawn, mean_pixel, laplacian_stride, change, has_range
        )
        nowhere, fill = tf.zeros([2], tf.int32), (spec.ignore_label,)
        crop = rotation.cut(label, nowhere, drawn, window.crop_size, fill, is_nearest=True)
    else:
        cut = _cut_resized if has_range else _cut
        image, laplacian = cut(record, window, mean_pixel, laplacian_stride, change)
        crop = crop_window.cut_label(label, window, spec.ignore_label)
    example = {
        "image": image,
        "label": crop,
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
    change: Change | None,
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Returns image and Laplacian of a crop; decodes what is needed."""
    nowhere, corner = tf.zeros([2], tf.int32), window.box[:2]

    def of_window() -> tuple[tf.Tensor, ...]:
        pixels, *values = _changed(record_format.decode_image_window(record, window.box), change)
        return crop_window.interpolate(pixels, corner, window, mean_pixel), pixels, corner, *values

    def of_whole() -> tuple[tf.Tensor, ...]:
        pixels, *values = _changed(record_format.decode_image(record), change)
        return crop_window.cut_image(pixels, window, mean_pixel), pixels, nowhere, *values

    image, pixels, origin, *changed = tf.cond(window.is_large, of_window, of_whole)
    if laplacian_stride is None:
        return image, None
    values, origin = _laplacian_values(record, window, window.box, pixels, origin, *changed)
    return image, crop_window.interpolate_channel(values, origin, window, laplacian_stride)


def _cut_resized(
    record: record_format.Record,
    window: Window,
    mean_pixel: Sequence[float],
    laplacian_stride: int | None,
    change: Change | None,
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Returns image and Laplacian of a crop of an image that is resized as a whole before."""
    image, values = _resized(record, window, laplacian_stride is not None, change)
    box = window.box
    crop = tf.cond(
        window.is_large,
        lambda: crop_window.interpolate(_slice(image, box), box[:2], window, mean_pixel),
        lambda: crop_window.cut_image(image, window, mean_pixel),
    )
    if values is None or laplacian_stride is None:
        return crop, None
    nowhere = tf.zeros([2], tf.int32)
    return crop, crop_window.interpolate_channel(values, nowhere, window, laplacian_stride)


def _cut_rotated(
    record: record_format.Record,
    window: Window,
    drawn: Rotation,
    mean_pixel: Sequence[float],
    laplacian_stride: int | None,
    change: Change | None,
    has_range: bool,
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Returns image and Laplacian of a crop of a rotated image.

    Args:
      has_range: whether the image is resized as a whole before.
    """
    nowhere = tf.zeros([2], tf.int32)
    has_laplacian = laplacian_stride is not None
    origin = of_values = nowhere
    if has_range:
        pixels, values = _resized(record, window, has_laplacian, change)
    else:

        def of_window() -> tuple[tf.Tensor, ...]:
            decoded = record_format.decode_image_window(record, drawn.box)
            return drawn.box[:2], *_changed(decoded, change)

        def of_whole() -> tuple[tf.Tensor, ...]:
            return nowhere, *_changed(record_format.decode_image(record), change)

        origin, pixels, *changed = tf.cond(window.is_large, of_window, of_whole)
        values = None
        if has_laplacian:
            values, of_values = _laplacian_values(
                record, window, drawn.box, pixels, origin, *changed
            )
    image = rotation.cut(pixels, origin, drawn, window.crop_size, mean_pixel)
    if values is None or laplacian_stride is None:
        return image, None
    return image, rotation.cut(
        values[..., tf.newaxis], of_values, drawn, window.crop_size, (0.0,), stride=laplacian_stride
    )


def _changed(pixels: tf.Tensor, change: Change | None) -> tuple[tf.Tensor, ...]:
    """Returns pixels as they are, or changed and their Laplacian."""
    return (pixels,) if change is None else change(pixels)


def _resized(
    record: record_format.Record, window: Window, has_laplacian: bool, change: Change | None
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Returns the whole image and its Laplacian, float32 [height, width], resized."""

    def resize(values: tf.Tensor) -> tf.Tensor:
        size = window.source_size
        return tf.image.resize_bilinear(values[tf.newaxis], size, align_corners=True)[0]

    decoded, *changed = _changed(record_format.decode_image(record), change)
    if not has_laplacian:
        return resize(decoded), None
    if changed:
        (values,) = changed
        values = tf.cond(
            _is_of_image(record),
            lambda: values,
            lambda: record_format.read_stored_gradient(record, tf.shape(decoded)[:2])[..., 0],
        )[..., tf.newaxis]
    else:
        values = record_format.read_gradient(record, decoded)
    return resize(decoded), resize(values)[..., 0]


def _laplacian_values(
    record: record_format.Record,
    window: Window,
    box: tf.Tensor,
    pixels: tf.Tensor,
    origin: tf.Tensor,
    of_changed: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the Laplacian, computed of the image or read from the record.

    Args:
      box: int32 [4], top, left, height, width of what is needed.
      pixels: uint8 [height, width, 3], at least what the box says.
      origin: int32 [2], where in the image they begin.
      of_changed: int16 [height, width], Laplacian of the pixels, where the image was changed.

    Returns:
      int16 [height, width], and where in the image they begin, int32 [2].
    """

    def computed() -> tuple[tf.Tensor, tf.Tensor]:
        if of_changed is not None:
            return of_changed, origin
        part = _slice(pixels, box - tf.pad(origin, [[0, 2]]))
        # Its values at the rim, where it lacks neighbors, are used at the image's rim only.
        return tf.cast(laplacian_of_image(part), tf.int16), box[:2]

    def stored() -> tuple[tf.Tensor, tf.Tensor]:
        values = record_format.read_stored_gradient(record, window.source_size)
        return values[..., 0], tf.zeros([2], tf.int32)

    is_computed = record_format.is_computed(record)
    if of_changed is not None:
        is_computed = _is_of_image(record)
    return tf.cond(is_computed, computed, stored)


def _is_of_image(record: record_format.Record) -> tf.Tensor:
    """Returns bool []: whether the record's gradient is none but the Laplacian of its image."""
    is_laplacian = tf.equal(record.gradient_source, record_format.LAPLACIAN_SOURCE)
    return record_format.is_computed(record) | is_laplacian


def _slice(values: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    top, left, height, width = tf.unstack(box)
    part = tf.slice(values, tf.stack([top, left, 0]), tf.stack([height, width, -1]))
    part.set_shape([None, None, values.shape[-1]])
    return part
