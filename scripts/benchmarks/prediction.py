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
        [batch, height, width, 3]; returns the function that predicts their class maps, the
        probabilities of their classes, or their captions.
      versions: package to version, for the table.

    Raises:
      ValueError: parameters name a file whose answer is to be the same, and it is not.
    """
    channel = contender.Channel()
    parameters = contender.parameters()
    images = np.load(parameters["images"])[: parameters["batch"]]
    predict = load(parameters, images)
    answer = predict()
    if "answer" in parameters:
        np.save(parameters["answer"], np.asarray(answer))
    if "expected" in parameters:
        check_equal(np.asarray(answer), np.load(parameters["expected"]))
    if parameters.get("with_loading"):
        channel.serve(lambda: load(parameters, images)(), versions=versions)
    else:
        channel.serve(predict, versions=versions)


def check_equal(answer: np.ndarray, expected: np.ndarray) -> None:
    """Raises ValueError, which says what differs first, unless both are the same."""
    if answer.shape != expected.shape:
        raise ValueError(f"the answer is {answer.shape}, and that of the first {expected.shape}.")
    different = np.argwhere(answer != expected)
    if len(different):
        place = tuple(different[0])
        raise ValueError(
            f"{len(different)} of {answer.size} answers are not those of the first: "
            f"{answer[place]!r}, not {expected[place]!r}."
        )
