"""The models of all tasks behind one method: a batch of images in, an answer for each out."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from common import texts
from serving import contract, export_file, tiling
from serving.caption_model import Caption, CaptionModel
from serving.deeplab_model import DeepLabModel
from serving.exported_model import ExportedModel
from serving.image_classifier import ImageClassifier


class Predictor(abc.ABC):
    """A loaded model.

    Attributes:
      model: it.
      task: name of its task's package.
      version: counts the loads of one export, from 1.
      num_requests: those that it is answering.
    """

    TASK: ClassVar[str]
    MODEL: ClassVar[type[ExportedModel]]

    def __init__(self, model: ExportedModel, version: int, tiles: tiling.TileOptions):
        """Takes a loaded model (ValueError: it cannot run such tiles)."""
        self.model: Any = model
        self.version = version
        self.num_requests = 0
        self._tiles = tiles

    @abc.abstractmethod
    def predict(self, images: Sequence[np.ndarray]) -> Sequence[Any]:
        """Returns what the network says of images uint8 [height, width, 3], each as a whole."""

    def plan(self, height: int, width: int, tile: str | int | None = None) -> tiling.Plan | None:
        """Returns how an image of a size runs in tiles; None where it runs as a whole.

        Args:
          height, width: of the image.
          tile: as of `tiling.TileOptions`; None for what the server was started with.

        Raises:
          ValueError: `tile` is nothing that the model takes.
        """
        del height, width, tile
        return None

    def cost(self, planned: tiling.Plan) -> tuple[int, int]:
        """Returns how many tiles run, and the bytes that blending them takes."""
        raise NotImplementedError  # As the next two, only where `plan` returns any.

    def predict_tiles(self, planned: tiling.Plan, image: np.ndarray, run: tiling.Run) -> np.ndarray:
        """Returns what the network says of an image in tiles, which `run` runs."""
        raise NotImplementedError

    def run_tiles(self, tiles: Sequence[np.ndarray]) -> Sequence[Any]:
        """Runs tiles of one size; see `tiling.Run`."""
        raise NotImplementedError


class Segmenter(Predictor):
    """Class ids: uint8 [height, width]."""

    TASK = contract.SEGMENTATION.task
    MODEL = DeepLabModel

    def __init__(self, model: ExportedModel, version: int, tiles: tiling.TileOptions):
        """See `Predictor`."""
        super().__init__(model, version, tiles)
        self.plan(1, 1)  # Refuses tiles that are larger than the model takes.

    def predict(self, images: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """See `Predictor`."""
        predictions = self.model.predict_batch(images, ids_type=np.uint8, tile=tiling.OFF)
        return [each.ids for each in predictions]

    def plan(self, height: int, width: int, tile: str | int | None = None) -> tiling.Plan | None:
        """See `Predictor`."""
        tile = self._tiles.tile if tile is None else tile
        return self.model.plan_tiles(height, width, tile, self._tiles.overlap)

    def cost(self, planned: tiling.Plan) -> tuple[int, int]:
        """See `Predictor`."""
        num_blended = self.model.num_blended
        return planned.num_runs(num_blended), planned.num_bytes(num_blended)

    def predict_tiles(self, planned: tiling.Plan, image: np.ndarray, run: tiling.Run) -> np.ndarray:
        """See `Predictor`."""
        return self.model.predict_tiles(planned, image, ids_type=np.uint8, run=run).ids

    def run_tiles(self, tiles: Sequence[np.ndarray]) -> Sequence[Any]:
        """See `Predictor`."""
        return self.model.run_tiles(tiles)


class Classifier(Predictor):
    """Probabilities of the classes: float32 [num_classes]."""

    TASK = contract.CLASSIFICATION.task
    MODEL = ImageClassifier

    def predict(self, images: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """See `Predictor`."""
        return list(self.model.probabilities(images))


class Captioner(Predictor):
    """Captions, the likeliest first: `Caption`s."""

    TASK = contract.CAPTIONING.task
    MODEL = CaptionModel

    def predict(self, images: Sequence[np.ndarray]) -> Sequence[list[Caption]]:
        """See `Predictor`."""
        return self.model.run_batch(images)


PREDICTORS: Mapping[str, type[Predictor]] = {
    each.TASK: each for each in (Segmenter, Classifier, Captioner)
}


def load(
    path: str,
    version: int,
    warm_up_size: int,
    trust: bool,
    tiles: tiling.TileOptions,
    **how: Any,
) -> Predictor:
    """Loads an export of any task, and runs empty images through it.

    Args:
      path: see `export_file.read_export`.
      version: of the predictor.
      warm_up_size: images of the largest batch.
      trust: whether the graph may have operations that read and write files.
      tiles: what becomes of images larger than a segmentation network takes.
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
    loaded = predictor(predictor.MODEL(path, trust=trust, **how), version, tiles)
    for size in sorted({1, warm_up_size}):
        loaded.model.warm_up(batch_size=size)
    return loaded
