"""Contender: `CaptionModel`, the way the project's users describe images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from scripts.benchmarks import captioners, prediction
from serving.caption_model import CaptionModel


def load(parameters: Mapping[str, Any], images: np.ndarray) -> prediction.Predict:
    model = CaptionModel(parameters["model"])
    listed = list(images)
    return lambda: captioners.table(
        [caption.text for caption in captions] for captions in model.run_batch(listed)
    )


if __name__ == "__main__":
    prediction.serve(load, {"TensorFlow": tf.__version__})
