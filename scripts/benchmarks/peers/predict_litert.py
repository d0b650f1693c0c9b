"""Contender: LiteRT with XNNPACK on what TensorFlow's converter makes of the frozen graph."""

from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np
from ai_edge_litert import interpreter as litert

from scripts.benchmarks import contender, prediction


def load(parameters: Mapping[str, Any], images: np.ndarray) -> prediction.Predict:
    interpreter = litert.Interpreter(parameters["model"], num_threads=contender.num_threads())
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]

    def predict() -> np.ndarray:
        interpreter.set_tensor(source, images)
        interpreter.invoke()
        return interpreter.get_tensor(target)

    return predict


if __name__ == "__main__":
    prediction.serve(load, {"LiteRT": metadata.version("ai-edge-litert")})
