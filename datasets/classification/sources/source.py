"""What every source of a classification dataset is: its classes, and the images of each split."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from common import image_files
from datasets.images import decoding
from datasets.images.decoding import EncodedImage
from datasets.records import val_split
from datasets.records.problems import Problem

DEFAULT_VAL_FRACTION = 0.2
TRAIN, VAL = val_split.TRAIN, val_split.VAL


@dataclasses.dataclass(frozen=True)
class Sample:
    """One image and its class."""

    name: str  # unique within its split; usually the path of its file in the folder of data
    path: str  # of the image, or of the file that holds it among others
    label: int  # class id
    # uint8 [height, width, 3], RGB, where `path` is not an image file.
    pixels: np.ndarray | None = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def paths(self) -> tuple[str]:
        return (self.path,)

    def read(self) -> EncodedImage:
        """Reads the image as a record stores it.

        Raises:
          OSError: its file cannot be opened.
          ValueError: it is damaged or of a refused kind; the message names it.
        """
        if self.pixels is None:
            return decoding.read_image(self.path, with_pixels=False)
        encoded = image_files.encode_png(self.pixels)
        return EncodedImage(encoded, "png", self.pixels.shape[:2], None)


@dataclasses.dataclass(frozen=True)
class Source:
    """Images on disk, sorted into splits, each with its class.

    Attributes:
      class_names: of each class id.
      splits: samples of each split, sorted by name.
      problems: what was wrong when the files were listed.
    """

    name: str
    class_names: tuple[str, ...]
    splits: Mapping[str, Sequence[Sample]]
    problems: tuple[Problem, ...] = ()

    @property
    def num_classes(self) -> int:
        return len(self.class_names)


def draw_val(
    splits: Mapping[str, Sequence[Sample]], val_fraction: float | None, seed: int, where: str
) -> tuple[dict[str, Sequence[Sample]], list[Problem]]:
    """Takes the split `val` from `train`, the same share of each class; see `val_split.draw`."""
    return val_split.draw(
        splits, val_fraction, seed, where, DEFAULT_VAL_FRACTION, lambda sample: sample.label
    )
