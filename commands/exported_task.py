"""What a task knows of its exports, for what the exports of all tasks share."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np
import tensorflow.compat.v1 as tf
from PIL import Image

from export.saved_model import Run
from serving.contract import Metadata
from serving.exported_model import ExportedModel
from serving.parity import Parity

Model = TypeVar("Model", bound=ExportedModel)


@dataclasses.dataclass(frozen=True)
class ExportedTask(Generic[Model]):
    """What a task knows of its exports.

    Attributes:
      model: the class that runs them.
      as_input: returns an image as the graph of a model takes it, uint8 [height, width, 3].
      compare: compares a model of a precision with a reference on image files, in this order:
        model, precision, paths, reference.
      parity: what such a comparison finds; made of engine, precision, number of images, largest
        difference of a probability and share of equal predictions.
      open_split: takes the folder of a dataset and the name of its split. Raises ValueError if
        models cannot be scored on it; otherwise returns a function that scores a model: values by
        name, higher ones better.
      answer: builds what a client that sends an image file is given, by name; takes the image,
        uint8 [height, width, 3], the graph and its description.
      answered_ids: returns the class ids in such an answer to one file, shaped as the graph's.
      score_titles: what each of these scores is called, by its name.
      is_calibrated_thoroughly: see `openvino_int8.quantize`.
    """

    model: type[Model]
    as_input: Callable[[Model, Image.Image], np.ndarray]
    compare: Callable[[Model, str, Sequence[str], Model], Parity]
    parity: Callable[[str, str, int, float | None, float], Parity]
    open_split: Callable[[str, str], Callable[[Model], Mapping[str, float]]]
    answer: Callable[[tf.Tensor, Run, Metadata], Mapping[str, tf.Tensor]]
    answered_ids: Callable[[Mapping[str, np.ndarray]], np.ndarray]
    score_titles: Mapping[str, str]
    is_calibrated_thoroughly: bool = False
