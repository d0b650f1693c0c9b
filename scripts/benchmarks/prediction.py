"""What contenders that predict have in common, in the project's environment and in the peers'."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from scripts.benchmarks import contender

Predict = Callable[[], Any]


def serve(
    load: Callable[[Mapping[str, Any], np.ndarray], Predict], versions: Mapping[str, str]
) -> None:
    """Measures a prediction, or loading and the first prediction.

    Args:
      load: loads the network, given the parameters and the images, uint8
        [batch, height, width, 3]; returns the function that predicts their class maps, or the
        probabilities of their classes.
      versions: package to version, for the table.
    """
    channel = contender.Channel()
    parameters = contender.parameters()
    images = np.load(parameters["images"])[: parameters["batch"]]
    predict = load(parameters, images)
    answer = predict()
    if "answer" in parameters:
        np.save(parameters["answer"], np.asarray(answer))
    if parameters.get("with_loading"):
        channel.serve(lambda: load(parameters, images)(), versions=versions)
    else:
        channel.serve(predict, versions=versions)
