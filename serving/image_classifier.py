"""`ImageClassifier`: an exported classifier, from images to the likeliest classes of each.

Needs an engine, NumPy and Pillow, but no training code.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from serving import contract, facts, image_reading, same_size
from serving.export_file import Export
from serving.exported_model import ExportedModel

ImageInput = image_reading.ImageInput

_MAX_BATCH = 32  # Images that run at once.
_ADVICE = "Put a single image into a list: [image]."


class RankedClass(NamedTuple):
    """A class and how probable it is."""

    class_id: int
    class_name: str
    probability: float


class Classification(NamedTuple):
    """The prediction for one image.

    Attributes:
      class_id, class_name, probability: the likeliest class.
      top: the likeliest classes, in descending order; the first is the one above.
    """

    class_id: int
    class_name: str
    probability: float
    top: list[RankedClass]


class ImageClassifier(ExportedModel):
    """An exported classifier; `ExportedModel` says what all models have in common.

    Images may have any size: the graph itself cuts and scales them as training's evaluation did.

    Attributes:
      image_size: (height, width) of the network's input; None for graphs that do not show it.
    """

    SIGNATURE = contract.CLASSIFICATION

    def _describe(self, export: Export) -> tuple[int, int]:
        self.class_names = facts.find_class_names(export)
        self.image_size = facts.network_size(export)
        return self.image_size or _ANY_SIZE

    def warm_up(self, size: tuple[int, int] | None = None, batch_size: int = 1) -> None:
        """See `ExportedModel.warm_up`."""
        self._check_usable()
        image = np.zeros([*(size or self.image_size or _ANY_SIZE), 3], np.uint8)
        self._run([image] * batch_size)

    def run(self, images: Iterable[ImageInput], top: int = 5) -> list[Classification]:
        """Classifies images, each by itself.

        Args:
          images: any number of images, of any sizes, or one array [batch, height, width, 3].
          top: how many of the likeliest classes to name, or all classes if there are fewer.

        Returns:
          The predictions in the order of the images. Of equally probable classes, the one with the
          smaller id comes first.

        Raises:
          ValueError: `top` is below 1, or no whole number; or see `probabilities`.
          TypeError, OSError, ForkedProcessError: see `probabilities`.
        """
        if not isinstance(top, int) or top < 1:
            raise ValueError(f"top is {top!r}; expected a whole number of classes, 1 or more.")
        return [self._rank(each, top) for each in self.probabilities(images)]

    def probabilities(self, images: Iterable[ImageInput]) -> np.ndarray:
        """Returns the probability of each class for each image, float32 [images, num_classes].

        Images of one size run together. The results are those of single images.

        Args:
          images: see `run`.

        Raises:
          ValueError: an image is damaged or not an image, or the model was closed.
          TypeError: `images` is not a list, or something in it is not an image.
          OSError: the file of an image cannot be opened.
          ForkedProcessError: this process was forked after the model had been loaded.
        """
        self._check_usable()
        arrays = same_size.as_arrays(images, _ADVICE)
        results = np.empty([len(arrays), self.num_classes], np.float32)
        for batch in same_size.batches(arrays, _MAX_BATCH if self.takes_batches else 1):
            results[batch] = self._run([arrays[index] for index in batch])
        return results

    def _run(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """Runs the graph on images of one size."""
        batch = np.stack(arrays) if len(arrays) > 1 else arrays[0][np.newaxis]
        _, probabilities = self._engine.run(batch, with_probabilities=True)
        assert probabilities is not None
        return np.stack(probabilities)

    def _rank(self, probabilities: np.ndarray, top: int) -> Classification:
        order = np.argsort(-probabilities, kind="stable")[:top]
        ranked = [
            RankedClass(int(index), self.class_names[index], float(probabilities[index]))
            for index in order
        ]
        return Classification(*ranked[0], ranked)


# Of an image on which engines are tried, where the graph does not show its own size.
_ANY_SIZE = (224, 224)
