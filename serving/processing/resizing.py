"""Bilinear and nearest-neighbor resizes of NumPy arrays, as TensorFlow computes them.

Positions and weights are float32 as there, so that results are equal up to the rounding of sums.
"""

import dataclasses
import functools

import numpy as np

# Images are resized in bands of rows of about this many values: small arrays stay in the cache, and
# in memory that need not be got from the system again.
_BAND_VALUES = 1 << 15


@dataclasses.dataclass(frozen=True)
class Interpolation:
    """Between which source pixels the pixels of a resized side lie.

    Attributes:
      lower, upper: the pixels before and after, int [target].
      weight: that of the upper one, float32 [target].
    """

    lower: np.ndarray
    upper: np.ndarray
    weight: np.ndarray

    def part(self, start: int, end: int) -> "Interpolation":
        """Returns that of a range of the resized side."""
        return Interpolation(self.lower[start:end], self.upper[start:end], self.weight[start:end])


@functools.lru_cache(maxsize=64)
def interpolation(source: int, target: int, align_corners: bool) -> Interpolation:
    """Returns where the pixels of a side lie after its resize from `source` to `target` pixels."""
    positions = _positions(source, target, align_corners)
    lower = positions.astype(np.intp)
    return Interpolation(
        lower, np.minimum(lower + 1, source - 1), positions - lower.astype(np.float32)
    )


def nearest(source: int, target: int) -> np.ndarray:
    """Returns the pixel that each pixel of a resized side takes, corners aligned: int [target]."""
    positions = _positions(source, target, align_corners=True)
    return np.minimum(np.floor(positions + np.float32(0.5)).astype(np.intp), source - 1)


def resize_bilinear(
    images: np.ndarray, size: tuple[int, int], align_corners: bool = True
) -> np.ndarray:
    """Resizes images.

    Args:
      images: numbers [batch, height, width, channels].
      size: the new (height, width).
      align_corners: whether the centers of the corners' pixels stay where they are; otherwise
        positions are multiplied by the ratio of the sizes, as in TensorFlow 1 by default.

    Returns:
      float32 [batch, new height, new width, channels].
    """
    batch, height, width, channels = images.shape
    rows = interpolation(height, size[0], align_corners)
    columns = _for_each_channel(width, size[1], align_corners, channels)
    # Otherwise every `take` would copy it.
    values = np.ascontiguousarray(images).reshape(batch, height, width * channels)
    resized = np.empty([batch, size[0], size[1] * channels], np.float32)
    num_rows = max(1, _BAND_VALUES // (width * channels))
    for start in range(0, size[0], num_rows):
        band = slice(start, min(start + num_rows, size[0]))
        wide = interpolate(values, rows.part(band.start, band.stop), axis=1)
        resized[:, band] = interpolate(wide, columns, axis=2)
    return resized.reshape(batch, *size, channels)


def interpolate(values: np.ndarray, along: Interpolation, axis: int) -> np.ndarray:
    """Resizes one axis of numbers; returns a new float32 array."""
    lower = values.take(along.lower, axis).astype(np.float32, copy=False)
    if not along.weight.any():
        return lower
    mixed = values.take(along.upper, axis).astype(np.float32, copy=False)
    mixed -= lower
    mixed *= along.weight.reshape([-1] + [1] * (values.ndim - axis - 1))
    mixed += lower
    return mixed


@functools.lru_cache(maxsize=16)
def _for_each_channel(
    source: int, target: int, align_corners: bool, channels: int
) -> Interpolation:
    """Returns `interpolation` for rows that hold the channels of pixels one after another.

    NumPy takes single numbers many times faster than groups of three.
    """

    def places(pixel: np.ndarray) -> np.ndarray:
        return (pixel[:, np.newaxis] * channels + np.arange(channels)).reshape(-1)

    pixels = interpolation(source, target, align_corners)
    return Interpolation(
        places(pixels.lower), places(pixels.upper), np.repeat(pixels.weight, channels)
    )


def _positions(source: int, target: int, align_corners: bool) -> np.ndarray:
    """Returns where each of `target` pixels lies among `source` ones, float32."""
    if align_corners and target > 1:
        scale = np.float32(source - 1) / np.float32(target - 1)
    else:
        scale = np.float32(source) / np.float32(target)
    positions = np.arange(target, dtype=np.float32) * scale
    return np.minimum(positions, np.float32(source - 1)) if align_corners else positions
