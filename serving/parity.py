"""Compares the predictions of an engine with those of a reference on real images."""

import abc
import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np

from serving import image_reading
from serving.deeplab_model import DeepLabModel, ImageTiledWarning
from serving.image_classifier import ImageClassifier


@dataclasses.dataclass(frozen=True)
class Parity(abc.ABC):
    """How far a model is from its reference over some images.

    Attributes:
      max_probability_difference: the largest one, of any class in any image, or at any pixel; None
        where the model gives no probabilities.
    """

    engine: str
    precision: str
    num_images: int
    max_probability_difference: float | None

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
    model: DeepLabModel, precision: str, paths: Sequence[str], reference: DeepLabModel
) -> PixelParity:
    """Compares a model of a precision with its reference on the images of at least one file."""
    largest, num_equal, num_pixels = 0.0, 0, 0
    for path in paths:
        image = image_reading.read_image(path)
        with warnings.catch_warnings():
            # Both see the same tiles.
            warnings.simplefilter("ignore", ImageTiledWarning)
            expected, found = (
                each.predict_batch([image], with_probabilities=True)[0]
                for each in (reference, model)
            )
        assert expected.probabilities is not None
        assert found.probabilities is not None
        difference = np.abs(expected.probabilities - found.probabilities).max()
        largest = max(largest, float(difference))
        num_equal += int(np.count_nonzero(expected.ids == found.ids))
        num_pixels += expected.ids.size
    return PixelParity(model.engine_name, precision, len(paths), largest, num_equal / num_pixels)


def compare_classification(
    model: ImageClassifier, precision: str, paths: Sequence[str], reference: ImageClassifier
) -> ClassParity:
    """Compares a model of a precision with its reference on the images of at least one file."""
    largest, num_equal = 0.0, 0
    for path in paths:
        image = image_reading.read_image(path)
        expected, found = (each.probabilities([image])[0] for each in (reference, model))
        largest = max(largest, float(np.abs(expected - found).max()))
        num_equal += int(expected.argmax() == found.argmax())
    return ClassParity(model.engine_name, precision, len(paths), largest, num_equal / len(paths))
