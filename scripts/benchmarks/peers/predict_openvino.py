"""Contender: OpenVINO on a frozen graph of TensorFlow."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino as ov

from scripts.benchmarks import contender, prediction


def load(parameters: Mapping[str, Any], images: np.ndarray) -> prediction.Predict:
    # One output alone, and a size that is known: both make it faster.
    model = ov.convert_model(
        parameters["model"],
        input=[("ImageTensor:0", list(images.shape))],
        output=[f"{parameters['output']}:0"],
    )
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": contender.num_threads(),
        "INFERENCE_PRECISION_HINT": "f32",
    }
    request = ov.compile_model(model, "CPU", settings).create_infer_request()
    return lambda: request.infer([images])[0]


if __name__ == "__main__":
    prediction.serve(load, {"OpenVINO": ov.__version__.split("-")[0]})
