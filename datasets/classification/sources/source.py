"""What every source of a classification dataset is: its classes, and the images of each split."""

import dataclasses
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from PIL import Image

from datasets.images import decoding
from datasets.images.decoding import EncodedImage
from datasets.records.problems import WARNING, Problem

DEFAULT_VAL_FRACTION = 0.2
TRAIN, VAL = "train", "val"


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
        buffer = io.BytesIO()
        Image.fromarray(self.pixels).save(buffer, "PNG")
        return EncodedImage(buffer.getvalue(), "png", self.pixels.shape[:2], None)


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
    """Takes the split `val` from `train` by chance, where it is asked for or nothing else is there.

    The same share of each class is taken, and a hash of each name and the seed decides: the same
    seed gives the same split on every machine, and images that are added later hardly move the
    others. A class keeps at least one image in `train`.

    Args:
      val_fraction: share of each class; None for `DEFAULT_VAL_FRACTION` where there are no splits
        but `train`, and for none beside others.
      where: the folder or file that has the splits, for messages.

    Returns:
      The splits, and a warning where there is no `val` then.

    Raises:
      ValueError: there is a split `val` already, or the share is impossible.
    """
    if VAL in splits:
        if val_fraction is not None:
            raise ValueError(
                f"val_fraction is {val_fraction}, but {where} has splits of its own: "
                f"{', '.join(splits)}. Omit val_fraction, or remove the splits."
            )
        return dict(splits), []
    if val_fraction is None:
        val_fraction = DEFAULT_VAL_FRACTION if len(splits) == 1 else 0.0
    if not 0 <= val_fraction < 1:
        raise ValueError(f"val_fraction is {val_fraction}; expected 0 <= val_fraction < 1.")
    drawn = {sample.name for sample in _draw(splits[TRAIN], val_fraction, seed)}
    if not drawn:
        message = (
            f"there is no split 'val', only {', '.join(splits)}: evaluate with --eval_split, or "
            "take images from 'train' with --val_fraction."
        )
        return dict(splits), [Problem(WARNING, "split", message, where)]
    parts: dict[str, Sequence[Sample]] = {
        TRAIN: tuple(sample for sample in splits[TRAIN] if sample.name not in drawn),
        VAL: tuple(sample for sample in splits[TRAIN] if sample.name in drawn),
    }
    return {**parts, **{name: splits[name] for name in splits if name != TRAIN}}, []


def _draw(samples: Iterable[Sample], fraction: float, seed: int) -> list[Sample]:
    """Returns the samples of a share of each class."""
    by_class: dict[int, list[Sample]] = {}
    for sample in samples:
        by_class.setdefault(sample.label, []).append(sample)

    def rank(sample: Sample) -> bytes:
        return hashlib.sha256(f"{seed}:{sample.name}".encode()).digest()

    drawn: list[Sample] = []
    for same in by_class.values():
        count = max(1, round(len(same) * fraction)) if fraction else 0
        drawn += sorted(same, key=rank)[: min(count, len(same) - 1)]
    return drawn
