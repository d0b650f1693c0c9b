"""Whether engines give the same answers: one model against a reference on real images."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from PIL import Image

from serving.deeplab_model import DeepLabModel


@dataclasses.dataclass(frozen=True)
class Parity:
    """How far a model is from its reference over some images.

    Attributes:
      engine: what ran the model.
      precision: "float32" or "int8".
      num_images: how many images were compared.
      max_probability_difference: largest difference of any class at any pixel.
      equal_pixels: share of pixels with the reference's class.
    """

    engine: str
    precision: str
    num_images: int
    max_probability_difference: float
    equal_pixels: float


def compare(
    model: DeepLabModel,
    precision: str,
    images: Sequence[Image.Image],
    reference: DeepLabModel,
) -> Parity:
    """Compares a model with its reference, image by image.

    Args:
      model: what is checked.
      precision: of the model, for the result.
      images: one or more images.
      reference: whose answers are right.

    Returns:
      The largest difference and the share of equal pixels.
    """
    largest, num_equal, num_pixels = 0.0, 0, 0
    for image in images:
        (expected,) = reference.predict_batch([image], with_probabilities=True)
        (found,) = model.predict_batch([image], with_probabilities=True)
        difference = np.abs(expected.probabilities - found.probabilities).max()
        largest = max(largest, float(difference))
        num_equal += int(np.count_nonzero(expected.ids == found.ids))
        num_pixels += expected.ids.size
    return Parity(model.engine_name, precision, len(images), largest, num_equal / num_pixels)
