"""`CaptionModel`: an exported network that describes images, from an image to its captions.

Needs TensorFlow, NumPy and Pillow, but no training code.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple, cast

import numpy as np

from serving import contract, image_reading, same_size
from serving.engines.engine import WholeGraphEngine
from serving.export_file import Export
from serving.exported_model import ExportedModel

ImageInput = image_reading.ImageInput

_MAX_BATCH = 16  # Images that run at once.
_ADVICE = "Use run(image) for a single image."
# Of an image on which nothing depends.
_ANY_SIZE = (224, 224)


class Caption(NamedTuple):
    """A sentence about an image.

    Attributes:
      text: its words, with blanks between them.
      log_probability: natural logarithm of the caption's probability, with its end.
      attention: float32 [words, rows, columns]: how much the network looked at each place before
        each word, 1 over all places; they cover the middle of the image, `CaptionModel.seen_share`.
        None for networks that do not look again before each word.
    """

    text: str
    log_probability: float
    attention: np.ndarray | None = None

    @property
    def words(self) -> list[str]:
        return self.text.split()

    @property
    def probability(self) -> float:
        return math.exp(self.log_probability)


class CaptionModel(ExportedModel):
    """An exported network that describes images; `ExportedModel` says what all models share.

    Images may have any size: the graph scales them as training's evaluation did. `class_names` is
    empty.

    Attributes:
      attention_size: (rows, columns) of the places that the network looks at; None if it does not
        look again before each word.
      seen_share: share of an image's height, and of its width, that the network sees: the middle.
      words: those that it knows, by their ids, with the marks <S> and </S>, and <UNK> for all
        others; () for exports that do not say it.
    """

    SIGNATURE = contract.CAPTIONING

    def _describe(self, export: Export) -> tuple[int, int]:
        self.class_names = ()
        self.attention_size = export.metadata.attention_size
        if contract.CAPTION_ATTENTION not in export.node_names:
            self.attention_size = None
        self.seen_share = export.metadata.seen_share
        self.words = export.metadata.words
        return _ANY_SIZE

    def warm_up(self, size: tuple[int, int] | None = None, batch_size: int = 1) -> None:
        """See `ExportedModel.warm_up`."""
        self._check_usable()
        self._run(np.zeros([batch_size, *(size or _ANY_SIZE), 3], np.uint8))

    def run(self, image: ImageInput) -> list[Caption]:
        """Describes an image.

        Args:
          image: see `ExportedModel`.

        Returns:
          Captions, the likeliest first: at most as many as the export searches for (its beam size),
          fewer where no more have come to an end.

        Raises:
          ValueError: the image is damaged or not an image, or the model was closed.
          TypeError: it is of no type that an image can have.
          OSError: the file of an image cannot be opened.
          ForkedProcessError: this process was forked after the model had been loaded.
        """
        return self.run_batch([image])[0]

    def run_batch(self, images: Iterable[ImageInput]) -> list[list[Caption]]:
        """Describes images, each by itself; those of one size run together.

        Args:
          images: any number of images, of any sizes, or one array [batch, height, width, 3].

        Returns:
          The captions of each image, see `run`, in the order of the images.

        Raises:
          TypeError: `images` is not a list, or something in it is not an image.
          ValueError, OSError, ForkedProcessError: see `run`.
        """
        self._check_usable()
        arrays = same_size.as_arrays(images, _ADVICE)
        found: dict[int, list[Caption]] = {}
        for batch in same_size.batches(arrays, _MAX_BATCH):
            captions = self._run(np.stack([arrays[index] for index in batch]))
            found.update(zip(batch, captions, strict=True))
        return [found[index] for index in range(len(arrays))]

    def _run(self, images: np.ndarray) -> list[list[Caption]]:
        names = [
            contract.CAPTIONING.predictions,
            contract.CAPTIONING.probabilities,
            contract.CAPTION_LENGTHS,
        ]
        if self.attention_size is not None:
            names.append(contract.CAPTION_ATTENTION)
        engine = cast(WholeGraphEngine, self._engine)
        texts, log_probabilities, lengths, *attention = engine.fetch(names, images)
        looked: Iterable = attention[0] if attention else [None] * len(images)
        return [
            self._captions(*each)
            for each in zip(texts, log_probabilities, lengths, looked, strict=True)
        ]

    def _captions(
        self,
        texts: np.ndarray,
        log_probabilities: np.ndarray,
        lengths: np.ndarray,
        attention: np.ndarray | None,
    ) -> list[Caption]:
        """Returns the captions of an image; those of length 0 do not exist."""
        captions = []
        for beam in np.flatnonzero(lengths):
            text = texts[beam].decode(errors="replace")
            looked = None
            if attention is not None:
                assert self.attention_size is not None
                places = attention[beam].reshape(-1, *self.attention_size)
                looked = places[: len(text.split())]
            captions.append(Caption(text, float(log_probabilities[beam]), looked))
        return captions
