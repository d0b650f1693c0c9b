"""Contender: `DeepLabModel`, the way the project's users predict."""

import command_line  # noqa: F401  (before TensorFlow, whose start it quiets)

# isort: split

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from scripts.benchmarks import prediction
from serving.deeplab_model import DeepLabModel


def load(parameters: Mapping[str, Any], pictures: np.ndarray) -> prediction.Predict:
    engine = parameters["engine"]
    has_engines = "engine" in inspect.signature(DeepLabModel).parameters
    if not has_engines and engine != "tensorflow":
        raise ValueError(f"this DeepLabModel has no engine {engine!r}")
    model = DeepLabModel(parameters["model"], **({"engine": engine} if has_engines else {}))
    pictures = list(pictures)
    return lambda: model.segment_batch(pictures)


if __name__ == "__main__":
    prediction.serve(load, {"TensorFlow": tf.__version__})
