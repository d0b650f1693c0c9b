"""Compares the predictions of an engine with those of a reference on real images."""

import abc
import dataclasses
from collections.abc import Sequence

import numpy as np
from PIL import Image

from serving.deeplab_model import DeepLabModel
from serving.image_classifier import ImageClassifier


@dataclasses.dataclass(frozen=True)
class Parity(abc.ABC):
    """How far a model is from its reference over some images.

    Attributes:
      max_probability_difference: the largest one, of any class in any image, or at any pixel.
    """

    engine: str
    precision: str
    num_images: int
    max_probability_difference: float

    @abc.abstractmethod
    def agreement(self) -> str:
        """Words how often both predict the same."""


@dataclasses.dataclass(frozen=True)
class PixelParity(Parity):
    """Of segmentation; `equal_pixels` is the share of pixels with the reference's class."""

    equal_pixels: float

    def agreement(self) -> str:
        """See `Parity.agreement`."""
        return f"equal pixels {self.equal_pixels:.4%}"


@dataclasses.dataclass(frozen=True)
class ClassParity(Parity):
    """Of classification; `equal_classes` is the share of images with the reference's class."""

    equal_classes: float

    def agreement(self) -> str:
        """See `Parity.agreement`."""
        return f"equal classes {self.equal_classes:.2%}"


def compare_segmentation(
    model: DeepLabModel, precision: str, images: Sequence[Image.Image], reference: DeepLabModel
) -> PixelParity:
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
    return PixelParity(model.engine_name, precision, len(images), largest, num_equal / num_pixels)


def compare_classification(
    model: ImageClassifier,
    precision: str,
    images: Sequence[Image.Image],
    reference: ImageClassifier,
) -> ClassParity:
    """Compares a model of a precision with its reference on at least one image."""
    expected, found = (each.probabilities(images) for each in (reference, model))
    return ClassParity(
        model.engine_name,
        precision,
        len(images),
        float(np.abs(expected - found).max()),
        float(np.mean(expected.argmax(axis=1) == found.argmax(axis=1))),
    )
