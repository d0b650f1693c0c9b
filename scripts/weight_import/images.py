"""The images on which an import measures and compares."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageOps

from serving import image_reading


@dataclasses.dataclass(frozen=True)
class Images:
    """Images scaled to fit a crop and padded to it with an RGB color, 0..255.

    Iterating yields float32 [height, width, 3], RGB, 0..255; without any path, one image of colored
    blobs.
    """

    paths: Sequence[str]
    crop_size: tuple[int, int]
    padding: tuple[float, float, float]

    def __iter__(self) -> Iterator[np.ndarray]:
        for path in self.paths:
            yield self._fit(image_reading.read_image(path))
        if not self.paths:
            coarse = np.random.RandomState(0).randint(0, 256, [8, 8, 3], np.uint8)
            yield self._fit(Image.fromarray(coarse).resize((512, 512), Image.Resampling.BICUBIC))

    def _fit(self, image: Image.Image) -> np.ndarray:
        height, width = self.crop_size
        fitted = np.asarray(ImageOps.contain(image, (width, height)), np.float32)
        padded = np.empty([height, width, 3], np.float32)
        padded[:] = self.padding
        padded[: fitted.shape[0], : fitted.shape[1]] = fitted
        return padded
