"""Images in requests: what their heads say, before anything is decoded, and their pixels."""

import dataclasses

import numpy as np
from PIL import Image

from common import image_files
from serving import image_reading
from serving.http.refusals import Refusal

_NAME = "the image"
# Bytes that a pixel takes while it is decoded and kept: as `serving.memory` has measured them.
_BYTES_PER_PIXEL = 17
_FORMATS = ", ".join(image_files.FORMATS)


@dataclasses.dataclass(frozen=True)
class ImageLimits:
    """What an image may be.

    Attributes:
      max_pixels: height times width, at most.
      max_side: the longer side, at most.
    """

    max_pixels: int
    max_side: int = 1 << 16

    def check(self, height: int, width: int) -> None:
        """Refuses (413) an image that is larger; (400) one without pixels."""
        if height < 1 or width < 1:
            raise Refusal(400, f"{_NAME} is {height}x{width} and empty.")
        if max(height, width) > self.max_side:
            raise Refusal(
                413,
                f"{_NAME} is {height}x{width} (height x width); a side has at most {self.max_side} "
                "pixels. Scale it down or cut it into tiles.",
            )
        if height * width > self.max_pixels:
            raise Refusal(
                413,
                f"{_NAME} is {height}x{width} (height x width): {height * width} pixels; at most "
                f"{self.max_pixels} are taken (--max_pixels). Scale it down or cut it into tiles.",
            )


def num_bytes(height: int, width: int) -> int:
    """Returns the memory that an image takes until it is answered."""
    return _BYTES_PER_PIXEL * height * width


def read_size(data: bytes, limits: ImageLimits) -> tuple[int, int]:
    """Returns the upright (height, width) that an image file's head states; decodes nothing.

    Raises:
      Refusal: 400 for no image or a damaged one, 413 for one that is too large, 415 for a kind
        that is not read.
    """
    try:
        image = image_files.open_image(data, _NAME)
    except ValueError as error:
        if image_files.describe_kind(_NAME, data) is not None:
            raise Refusal(415, f"{str(error).rstrip('.')}. Known formats: {_FORMATS}.") from None
        raise Refusal(400, str(error).replace(" Copy it again.", "")) from None
    height, width = image_reading.upright_size(image)
    limits.check(height, width)
    return height, width


def decode(data: bytes) -> np.ndarray:
    """Returns the pixels of an image file, upright, uint8 [height, width, 3], RGB.

    Raises:
      Refusal: 400 if it is damaged or has more than 8 bits per channel.
    """
    try:
        image = image_reading.decode(data)
    except (ValueError, OSError) as error:
        raise Refusal(400, str(error).replace(" Copy it again.", "")) from None
    except MemoryError:
        raise Refusal(413, f"{_NAME} takes more memory than there is.") from None
    assert isinstance(image, Image.Image)
    return np.asarray(image)
