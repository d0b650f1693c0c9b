"""Compares the predictions of an engine with those of a reference on real images."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from PIL import Image

from serving.deeplab_model import DeepLabModel


@dataclasses.dataclass(frozen=True)
class Parity:
    """How far a model is from its reference over some images.

    Attributes:
      max_probability_difference: the largest one, of any class at any pixel.
      equal_pixels: share of pixels with the reference's class.
    """

    engine: str
    precision: str
    num_images: int
    max_probability_difference: float
    equal_pixels: float


def compare(
    model: DeepLabModel, precision: str, images: Sequence[Image.Image], reference: DeepLabModel
) -> Parity:
    """Compares a model of a precision with its reference on at least one image."""
    largest, num_equal, num_pixels = 0.0, 0, 0
    for image in images:
        expected, found = (
            each.predict_batch([image], with_probabilities=True)[0] for each in (reference, model)
        )
        assert expected.probabilities is not None
        assert found.probabilities is not None
        difference = np.abs(expected.probabilities - found.probabilities).max()
        largest = max(largest, float(difference))
        num_equal += int(np.count_nonzero(expected.ids == found.ids))
        num_pixels += expected.ids.size
    return Parity(model.engine_name, precision, len(images), largest, num_equal / num_pixels)
