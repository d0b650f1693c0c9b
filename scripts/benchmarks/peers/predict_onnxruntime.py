"""Contender: ONNX Runtime on what tf2onnx makes of the frozen graph."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime

from scripts.benchmarks import contender, prediction


def load(parameters: Mapping[str, Any], images: np.ndarray) -> prediction.Predict:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = contender.num_threads()
    session = onnxruntime.InferenceSession(
        parameters["model"], options, providers=["CPUExecutionProvider"]
    )
    feed = {session.get_inputs()[0].name: images}
    return lambda: session.run(None, feed)[0]


if __name__ == "__main__":
    prediction.serve(load, {"ONNX Runtime": onnxruntime.__version__})
