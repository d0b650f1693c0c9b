"""The models of all tasks behind one method: a batch of images in, an array for each out."""

import abc
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from common import texts
from serving import contract, export_file
from serving.deeplab_model import DeepLabModel
from serving.exported_model import ExportedModel
from serving.image_classifier import ImageClassifier


class Predictor(abc.ABC):
    """A loaded model.

    Attributes:
      model: it.
      task: name of its task's package.
      version: counts the loads of one export, from 1.
    """

    TASK: ClassVar[str]
    MODEL: ClassVar[type[ExportedModel]]

    def __init__(self, model: ExportedModel, version: int):
        self.model: Any = model
        self.version = version

    @abc.abstractmethod
    def predict(self, images: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """Returns what the network says of images uint8 [height, width, 3], each by itself."""

    def size_seen(self, height: int, width: int) -> tuple[int, int]:
        """Returns the (height, width) at which the network sees an image."""
        return height, width


class Segmenter(Predictor):
    """Class ids: uint8 [height, width]."""

    TASK = contract.SEGMENTATION.task
    MODEL = DeepLabModel

    def predict(self, images: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """See `Predictor`."""
        return [each.ids for each in self.model.predict_batch(images, ids_type=np.uint8)]

    def size_seen(self, height: int, width: int) -> tuple[int, int]:
        """See `Predictor`."""
        return self.model.fitted_size(height, width)


class Classifier(Predictor):
    """Probabilities of the classes: float32 [num_classes]."""

    TASK = contract.CLASSIFICATION.task
    MODEL = ImageClassifier

    def predict(self, images: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """See `Predictor`."""
        return list(self.model.probabilities(images))


PREDICTORS: Mapping[str, type[Predictor]] = {each.TASK: each for each in (Segmenter, Classifier)}


def load(path: str, version: int, warm_up_size: int, trust: bool, **how: Any) -> Predictor:
    """Loads an export of any task, and runs empty images through it.

    Args:
      path: see `export_file.read_export`.
      version: of the predictor.
      warm_up_size: images of the largest batch.
      trust: whether the graph may have operations that read and write files.
      **how: further arguments of the model's class.

    Raises:
      ValueError: it is damaged, of a task that is not served, or not to be trusted.
      OSError: it cannot be opened.
    """
    task = export_file.read_export(path, trust).signature.task
    if task not in PREDICTORS:
        raise ValueError(
            f"{texts.printable(path)} is of the task {task}; {', '.join(PREDICTORS)} are served."
        )
    predictor = PREDICTORS[task]
    model = predictor.MODEL(path, trust=trust, **how)
    for size in sorted({1, warm_up_size}):
        model.warm_up(batch_size=size)
    return predictor(model, version)


def state_of_files(path: str) -> tuple:
    """Returns what changes when any file of an export is replaced.

    Args:
      path: of the graph.
    """
    beside = os.path.splitext(path)[0]
    folder = os.path.dirname(path) or "."
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file() and _belongs(entry.name, path, beside):
                status = entry.stat()
                found.append((entry.name, status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(sorted(found))


def _belongs(name: str, path: str, beside: str) -> bool:
    stem = os.path.basename(beside).removeprefix("frozen_")
    return name == os.path.basename(path) or name.removeprefix("frozen_").startswith(stem)
