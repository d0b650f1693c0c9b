"""A training crop of a rotated image, computed at once from the image's own pixels.

The scaled image is rotated about the middle of what the crop shows of it. Scale, rotation, place
and mirror are then one affine map from places of the crop to places of the image, and OpenCV
interpolates there: no rotated image is made of which the crop is a part, and nothing is
interpolated twice. Corners of the crop show what is in the image there; only places outside the
image are padding.

OpenCV's places are 1/32 pixel apart. TensorFlow's own operation for affine maps takes ten times as
long.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import tensorflow.compat.v1 as tf

from deeplab.data.crop_window import Window

# Bytes, of TensorFlow's tensors (EIGEN_MAX_ALIGN_BYTES).
_ALIGNMENT = 64


class Rotation(NamedTuple):
    """Where the pixels of a rotated crop lie in an image.

    Attributes:
      matrix: float64 [2, 3]; the pixel in row i and column j lies at matrix (i, j, 1), which is a
        row and a column of the image.
      box: int32 [4], top, left, height, width of the part of the image around all these places.
    """

    matrix: tf.Tensor
    box: tf.Tensor


def rotated(window: Window, largest_angle: float, seed: tf.Tensor) -> Rotation:
    """Draws by how much the image of a window is rotated.

    Args:
      largest_angle: to either side, degrees.
      seed: integer [2].
    """
    limit = np.deg2rad(largest_angle)
    angle = tf.random.stateless_uniform([], seed, -limit, limit, tf.float64)
    return rotated_by(window, angle)


def rotated_by(window: Window, angle: tf.Tensor) -> Rotation:
    """Rotates the image of a window by an angle, float64 [], radians, counterclockwise."""
    source, scaled, start, size = (
        tf.cast(values, tf.float64)
        for values in (window.source_size, window.scaled_size, window.start, window.size)
    )
    # A side of one pixel has no distance between pixels, and still an outside.
    step = tf.maximum(source - 1.0, 1.0) / tf.maximum(scaled - 1.0, 1.0)
    height, width = window.crop_size
    one, zero = tf.ones([], tf.float64), tf.zeros([], tf.float64)
    sign = tf.where(window.is_flipped, -one, one)
    edge = tf.where(window.is_flipped, one * (width - 1), zero)
    cos, sin = tf.cos(angle), tf.sin(angle)
    middle = (size - 1.0) / 2.0
    turn = tf.reshape(tf.stack([cos, sin * sign, -sin, cos * sign]), [2, 2])
    # Column j of a mirrored crop is column edge - j of the other one.
    from_middle = tf.stack([-middle[0], edge - middle[1]])
    offset = (
        start
        + middle
        + tf.stack(
            [
                cos * from_middle[0] + sin * from_middle[1],
                cos * from_middle[1] - sin * from_middle[0],
            ]
        )
    )
    matrix = tf.concat([turn, offset[:, tf.newaxis]], axis=1) * step[:, tf.newaxis]
    corners = tf.constant(
        [[0, 0, height - 1, height - 1], [0, width - 1, 0, width - 1], [1] * 4], tf.float64
    )
    places = tf.matmul(matrix, corners)
    last = window.source_size - 1
    first = tf.cast(tf.floor(tf.reduce_min(places, axis=1)), tf.int32) - 1
    end = tf.cast(tf.ceil(tf.reduce_max(places, axis=1)), tf.int32) + 1
    first, end = (tf.minimum(tf.maximum(values, 0), last) for values in (first, end))
    return Rotation(matrix, tf.concat([first, end - first + 1], axis=0))


def cut(
    values: tf.Tensor,
    origin: tf.Tensor,
    rotation: Rotation,
    crop_size: tuple[int, int],
    fill: Sequence[float],
    *,
    stride: int = 1,
    is_nearest: bool = False,
) -> tf.Tensor:
    """Computes the crop.

    Args:
      values: [height, width, channels], uint8, int16 or float32, at least what `Rotation.box` says.
      origin: int32 [2], where in the image they begin.
      crop_size: (height, width).
      fill: of each channel, at places outside the image.
      stride: distance of the computed pixels, of which the first is the crop's first.
      is_nearest: whether each pixel has the value of the nearest one, instead of an interpolated
        one.

    Returns:
      [rows, columns, channels], uint8 if `is_nearest` else float32; rows =
      (crop height - 1) // stride + 1, columns likewise.
    """
    size = tuple((side - 1) // stride + 1 for side in crop_size)
    channels = len(fill)
    function = functools.partial(
        _warped, size=size, fill=tuple(fill), stride=stride, is_nearest=is_nearest
    )
    found = tf.numpy_function(
        function,
        [values, origin, *rotation],
        tf.uint8 if is_nearest else tf.float32,
        stateful=False,
    )
    return tf.ensure_shape(found, [*size, channels])


def _warped(
    values: np.ndarray,
    origin: np.ndarray,
    matrix: np.ndarray,
    box: np.ndarray,
    size: tuple[int, ...],
    fill: tuple[float, ...],
    stride: int,
    is_nearest: bool,
) -> np.ndarray:
    # OpenCV takes at most 32767 rows or columns.
    top, left = box[:2] - origin
    part = values[top : top + box[2], left : left + box[3]]
    part = np.ascontiguousarray(part) if is_nearest else part.astype(np.float32)
    matrix = matrix * [stride, stride, 1.0]
    matrix[:, 2] -= box[:2]
    # OpenCV has x before y.
    matrix = matrix[::-1, [1, 0, 2]]
    found = _aligned([*size, len(fill)], part.dtype)
    cv2.warpAffine(
        part,
        matrix,
        size[::-1],
        dst=found,
        flags=cv2.WARP_INVERSE_MAP | (cv2.INTER_NEAREST if is_nearest else cv2.INTER_LINEAR),
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=fill,
    )
    return found


def _aligned(shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    """Returns an array for values that TensorFlow takes as it is, where it would copy another."""
    num_bytes = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(num_bytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + num_bytes].view(dtype).reshape(shape)
