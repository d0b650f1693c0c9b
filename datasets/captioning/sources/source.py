"""What every source of a captioning dataset is: the images of each split, and their captions."""

import dataclasses
import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence

from datasets.records.problems import WARNING, Problem

DEFAULT_VAL_FRACTION = 0.1
TRAIN, VAL = "train", "val"


@dataclasses.dataclass(frozen=True)
class Sample:
    """One image and what people said of it."""

    name: str  # unique within its split; usually the name of its file
    path: str  # of the image
    image_id: int
    captions: tuple[str, ...]

    @property
    def paths(self) -> tuple[str]:
        return (self.path,)


@dataclasses.dataclass(frozen=True)
class Source:
    """Images on disk, sorted into splits, each with its captions.

    Attributes:
      splits: samples of each split, sorted by name.
      problems: what was wrong when the files were listed.
    """

    name: str
    splits: Mapping[str, Sequence[Sample]]
    problems: tuple[Problem, ...] = ()

    def captions(self, split: str = TRAIN) -> Iterable[str]:
        """Yields the captions of a split, image by image."""
        return (caption for sample in self.splits[split] for caption in sample.captions)


def number_of(name: str) -> int:
    """Returns a number for an image whose data give it none: the same on every machine."""
    return zlib.crc32(name.encode(errors="surrogateescape"))


def draw_val(
    splits: Mapping[str, Sequence[Sample]], val_fraction: float | None, seed: int, where: str
) -> tuple[dict[str, Sequence[Sample]], list[Problem]]:
    """Takes images for the split `val` from `train` by chance; all captions of one go with it.

    A hash of each name and the seed decides: the same seed gives the same split on every machine,
    and images that are added later hardly move the others.

    Args:
      val_fraction: share of the images; None for `DEFAULT_VAL_FRACTION` where there are no splits
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
    samples = splits[TRAIN]
    count = max(1, round(len(samples) * val_fraction)) if val_fraction else 0
    ranked = sorted(
        samples, key=lambda each: hashlib.sha256(f"{seed}:{each.name}".encode()).digest()
    )
    drawn = {each.name for each in ranked[: min(count, len(samples) - 1)]}
    if not drawn:
        message = (
            f"there is no split 'val', only {', '.join(splits)}: evaluate with --eval_split, or "
            "take images from 'train' with --val_fraction."
        )
        return dict(splits), [Problem(WARNING, "split", message, where)]
    parts: dict[str, Sequence[Sample]] = {
        TRAIN: tuple(each for each in samples if each.name not in drawn),
        VAL: tuple(each for each in samples if each.name in drawn),
    }
    return {**parts, **{name: splits[name] for name in splits if name != TRAIN}}, []
