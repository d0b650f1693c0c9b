"""Contender: `ImageClassifier`, the way the project's users classify."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from scripts.benchmarks import prediction
from serving.image_classifier import ImageClassifier


def load(parameters: Mapping[str, Any], images: np.ndarray) -> prediction.Predict:
    precision = parameters.get("precision", "float32")
    model = ImageClassifier(parameters["model"], engine=parameters["engine"], precision=precision)
    listed = list(images)
    return lambda: model.probabilities(listed)


if __name__ == "__main__":
    prediction.serve(load, {"TensorFlow": tf.__version__})
