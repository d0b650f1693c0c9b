"""Images of any sizes as arrays, in batches of one size each: what a graph takes at once."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from serving import image_reading

# Activations grow with the number of images, and the images themselves with their pixels, which the
# graph holds twice.
_MAX_BATCH_PIXELS = 1 << 25


def as_arrays(images: Iterable[image_reading.ImageInput], advice: str) -> list[np.ndarray]:
    """Returns images as uint8 [height, width, 3], RGB; errors and `advice` as of `as_list`."""
    return [_as_array(image) for image in image_reading.as_list(images, advice)]


def batches(arrays: Sequence[np.ndarray], largest: int) -> Iterator[list[int]]:
    """Yields the places of images that run together, at most `largest` of them."""
    same_size: dict[tuple[int, ...], list[int]] = {}
    for index, array in enumerate(arrays):
        same_size.setdefault(array.shape, []).append(index)
    for (height, width, _), indices in same_size.items():
        size = max(1, min(largest, _MAX_BATCH_PIXELS // (height * width)))
        for start in range(0, len(indices), size):
            yield indices[start : start + size]


def _as_array(image: image_reading.ImageInput) -> np.ndarray:
    decoded = image_reading.decode(image)
    if isinstance(decoded, np.ndarray):
        return image_reading.to_rgb_array(decoded)
    return np.asarray(image_reading.to_rgb(decoded))
