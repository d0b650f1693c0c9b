"""The window of a training crop: which places of an image it shows, and their values.

Which place of the image each pixel of a crop shows is known before anything is decoded: with
corners aligned, row y of an image scaled from h to h' rows shows row y (h - 1) / (h' - 1). Crop,
padding and mirror are only other lists of places (`Places`), so

* a label is the nearest pixel: two gathers, on bytes;
* the Laplacian channel is interpolated at the places that the network reads, which are few where
  its decoder takes every fourth pixel;
* the image is interpolated at all places, by TensorFlow's resize or by gathers.

TensorFlow's resize cannot start at a fraction of a pixel, so it has to scale the whole image. It
is so quick (3 channels at once in vector registers) that this is the faster way until the scaled
image is several times as large as the crop (`Window.is_large`).

All values are those of scaling, cutting, padding and mirroring one after the other
(`deeplab.data.preprocess`): labels exactly, the others to the rounding of float32.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from deeplab.data import preprocess

# On one core TensorFlow's resize takes 1.7 ns and the gathers take 7 ns per pixel.
_MOST_SCALED_PIXELS_PER_CROP_PIXEL = 4


class Places(NamedTuple):
    """Where the pixels along one side of a crop lie in an image.

    Attributes:
      lower, upper: int32 [side], the pixels between which each lies.
      fraction: float32 [side], the share of the upper one.
      is_image: bool [side], whether it lies in the image and not in the padding.
    """

    lower: tf.Tensor
    upper: tf.Tensor
    fraction: tf.Tensor
    is_image: tf.Tensor


class Window(NamedTuple):
    """Which part of which image a crop shows.

    Attributes:
      source_size, scaled_size: int32 [2], height and width of the image before and after scaling.
      start: int32 [2], the crop's first row and column in the scaled image.
      size: int32 [2], height and width of the crop without its padding.
      is_flipped: bool [], whether the crop is mirrored, with its padding.
      crop_size: (height, width) with the padding.
      places: the places of the crop's rows and those of its columns.
      box: int32 [4], top, left, height, width of the part of the image that the crop shows: the
        pixels that are interpolated, and one more on each side for the Laplacian.
      is_large: bool [], whether it is slower to scale the whole image than to interpolate the crop.
    """

    source_size: tf.Tensor
    scaled_size: tf.Tensor
    start: tf.Tensor
    size: tf.Tensor
    is_flipped: tf.Tensor
    crop_size: tuple[int, int]
    places: tuple[Places, Places]
    box: tf.Tensor
    is_large: tf.Tensor


def make_window(
    source_size: tf.Tensor,
    scaled_size: tf.Tensor,
    start: tf.Tensor,
    size: tf.Tensor,
    is_flipped: tf.Tensor,
    crop_size: tuple[int, int],
) -> Window:
    """Describes the crop of an image; for the arguments see `Window`."""
    # The distance of neighboring scaled pixels in the image, as TensorFlow's kernels compute it,
    # to the bit.
    step = tf.cast(source_size - 1, tf.float32) / tf.cast(
        tf.maximum(scaled_size - 1, 1), tf.float32
    )

    def places_of(axis: int, index: tf.Tensor) -> Places:
        is_image = index < size[axis]
        index = start[axis] + tf.minimum(index, size[axis] - 1)
        place = tf.cast(index, tf.float32) * step[axis]
        lower, last = tf.cast(place, tf.int32), source_size[axis] - 1
        fraction = place - tf.cast(lower, tf.float32)
        return Places(tf.minimum(lower, last), tf.minimum(lower + 1, last), fraction, is_image)

    rows, columns = map(tf.range, crop_size)
    columns = tf.where(is_flipped, crop_size[1] - 1 - columns, columns)
    ends = tf.floor(tf.cast(tf.stack([start, start + size - 1]), tf.float32) * step)
    first, last = tf.unstack(tf.cast(ends, tf.int32))
    first = tf.maximum(first - 1, 0)
    last = tf.minimum(last + 2, source_size - 1)
    limit = _MOST_SCALED_PIXELS_PER_CROP_PIXEL * crop_size[0] * crop_size[1]
    return Window(
        source_size,
        scaled_size,
        start,
        size,
        is_flipped,
        crop_size,
        places=(places_of(0, rows), places_of(1, columns)),
        box=tf.concat([first, last - first + 1], axis=0),
        is_large=tf.reduce_prod(tf.cast(scaled_size, tf.int64)) > limit,
    )


def cut_label(label: tf.Tensor, window: Window, ignore_label: int) -> tf.Tensor:
    """Cuts the crop, uint8 [height, width, 1], out of a mask; its padding is the ignore label."""
    indices = []
    for axis, places in enumerate(window.places):
        nearest = places.lower + tf.cast(places.fraction >= 0.5, tf.int32)
        outside = tf.fill(tf.shape(nearest), window.source_size[axis])
        indices.append(tf.where(places.is_image, nearest, outside))
    padded = tf.pad(label[..., 0], [[0, 1], [0, 1]], constant_values=ignore_label)
    # Rows are gathered by copies of memory; single columns would take twice as long.
    columns = tf.gather(tf.transpose(padded), indices[1])
    return tf.gather(tf.transpose(columns), indices[0])[..., tf.newaxis]


def cut_image(image: tf.Tensor, window: Window, mean_pixel: Sequence[float]) -> tf.Tensor:
    """Cuts the crop, float32, out of an image [height, width, 3] by scaling all of it."""
    # An image that is scaled to one column keeps its first one, mirrored or not.
    is_reversed = window.is_flipped & (window.scaled_size[1] > 1)
    image = tf.cond(is_reversed, lambda: tf.reverse(image, axis=[1]), lambda: tf.identity(image))
    scaled = tf.image.resize_bilinear(
        tf.cast(image, tf.float32)[tf.newaxis], window.scaled_size, align_corners=True
    )[0]
    top, left = tf.unstack(window.start)
    left = tf.where(window.is_flipped, window.scaled_size[1] - window.size[1] - left, left)
    cut = tf.slice(scaled, tf.stack([top, left, 0]), tf.concat([window.size, [3]], axis=0))
    bottom, side = tf.unstack(tf.constant(window.crop_size) - window.size)
    zero = tf.zeros_like(side)

    def pad() -> tf.Tensor:
        left = tf.where(window.is_flipped, side, zero)
        return preprocess.pad_image(cut, bottom, left, side - left, mean_pixel)

    # tf.pad copies everything even where there is nothing to pad.
    padded = tf.cond(bottom + side > 0, pad, lambda: tf.identity(cut))
    padded.set_shape([*window.crop_size, 3])
    return padded


def interpolate(
    part: tf.Tensor, origin: tf.Tensor, window: Window, fill: Sequence[float]
) -> tf.Tensor:
    """Computes the crop from a part of an image.

    Args:
      part: any numbers [height, width, channels], at least what `Window.box` says.
      origin: int32 [2], where in the image the part begins.
      fill: color of the padding.

    Returns:
      float32 [crop height, crop width, channels].
    """
    channels = part.shape.as_list()[-1]
    rows, columns = window.places
    height, width = tf.unstack(tf.shape(part)[:2])
    # Columns first, as rows of the transposed part: rows are gathered by copies of memory.
    part = tf.cast(tf.transpose(part, [1, 0, 2]), tf.float32)
    part = preprocess.pad_image(part, 1, 0, 1, fill)
    part = tf.reshape(part, [width + 1, (height + 1) * channels])
    across = _between_rows(part, _or_padding(columns, origin[1], width))
    num_rows, num_columns = window.crop_size
    across = tf.reshape(across, [num_columns, height + 1, channels])
    across = tf.reshape(tf.transpose(across, [1, 0, 2]), [height + 1, num_columns * channels])
    values = _between_rows(across, _or_padding(rows, origin[0], height))
    return tf.reshape(values, [num_rows, num_columns, channels])


def interpolate_channel(
    part: tf.Tensor, origin: tf.Tensor, window: Window, stride: int
) -> tf.Tensor:
    """Computes the pixels of one channel of a crop at a stride; its padding is 0.

    Args:
      part: any numbers [height, width], at least what `Window.box` says.
      origin: int32 [2], where in the image the part begins.
      stride: distance of the computed pixels, of which the first is the crop's first.

    Returns:
      float32 [rows, columns, 1]; rows = (crop height - 1) // stride + 1, columns likewise.
    """
    rows, columns = (Places(*(value[::stride] for value in places)) for places in window.places)
    down = _between_rows(part, _shifted(rows, origin[0]))
    columns = _shifted(columns, origin[1])
    # They are so few that gathering them one by one takes less time than transposing.
    left, right = (tf.gather(down, index, axis=1) for index in (columns.lower, columns.upper))
    values = left + (right - left) * columns.fraction
    is_image = rows.is_image[:, tf.newaxis] & columns.is_image
    return tf.where(is_image, values, tf.zeros_like(values))[..., tf.newaxis]


def _between_rows(values: tf.Tensor, places: Places) -> tf.Tensor:
    """Interpolates between rows of a matrix; gives float32."""
    lower = tf.cast(tf.gather(values, places.lower), tf.float32)
    upper = tf.cast(tf.gather(values, places.upper), tf.float32)
    return lower + (upper - lower) * places.fraction[:, tf.newaxis]


def _shifted(places: Places, origin: tf.Tensor) -> Places:
    return places._replace(lower=places.lower - origin, upper=places.upper - origin)


def _or_padding(places: Places, origin: tf.Tensor, padding: tf.Tensor) -> Places:
    """Returns places that count from `origin`; places in the padding are row `padding`."""
    index = tf.fill(tf.shape(places.lower), padding)
    shifted = _shifted(places, origin)
    return shifted._replace(
        lower=tf.where(places.is_image, shifted.lower, index),
        upper=tf.where(places.is_image, shifted.upper, index),
    )
