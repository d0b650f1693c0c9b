"""What of a dataset decides how to train on it."""

import dataclasses
import itertools

import cv2
import numpy as np

from datasets.records import tfrecords
from datasets.segmentation import class_statistics, record_format, stored_masks
from datasets.segmentation.class_statistics import ClassCounter
from datasets.segmentation.specs import DatasetSpec, SplitSpec

_MAX_SAMPLES = 64
_MASK_KEY = "image/segmentation/class/encoded"
# The weight of a class that occurs a quarter as often as the median one is 2, and 0.5 of one that
# occurs four times as often.
_BALANCED_WEIGHT = 1.5
# A class of which so much disappears where a square of so many pixels does not fit is thin.
_THIN_SHARE, _THIN_PIXELS = 0.6, 5


@dataclasses.dataclass(frozen=True)
class DataFacts:
    """What of a dataset decides how to train on it.

    Attributes:
      num_images: in the split for training.
      num_validation_images: in the split val; 0 where there is none.
      height, width: median over a sample of the images, pixels.
      label_weights: of each class, from how often it occurs.
      thin_classes: names of classes that are mostly lines of a few pixels.
      absent_classes: names of classes that do not occur.
      elongation: the ratio of the longer to the shorter side that one image in twenty exceeds.
    """

    num_images: int
    num_validation_images: int
    height: int
    width: int
    label_weights: tuple[float, ...]
    thin_classes: tuple[str, ...]
    absent_classes: tuple[str, ...]
    elongation: float = 1.0

    @property
    def is_balanced(self) -> bool:
        """Whether all classes occur about as often."""
        rarest, commonest = max(self.label_weights), min(self.label_weights)
        return rarest <= _BALANCED_WEIGHT and commonest >= 1 / _BALANCED_WEIGHT


def examine(spec: DatasetSpec, split: str, validation_split: str) -> DataFacts:
    """Looks at a dataset: at its description, and at a sample of its images.

    Args:
      spec: the dataset.
      split: for training.
      validation_split: for validation, if there is such a split.

    Raises:
      ValueError: a record is damaged; the message names its file.
      OSError: a file cannot be opened.
    """
    sizes, counter, thickness = [], ClassCounter(spec.num_classes, spec.ignore_label), _Thickness()
    for path, record in _sample(spec, split):
        size = record_format.read_size(record, path)
        (data,) = tfrecords.read_features(record)[_MASK_KEY].bytes_list.value
        ids = stored_masks.read_ids(data)
        sizes.append(size)
        counter.add(class_statistics.count_ids(ids), size)
        thickness.add(ids, spec.num_classes)
    sides = np.array(sizes)
    height, width = np.median(sides, axis=0).astype(int).tolist()
    described = spec.split(split)
    # Descriptions of research/deeplab's own records do not say how often classes occur.
    counted = described if described.pixels_per_class else counter.to_split()
    names = spec.class_names
    return DataFacts(
        num_images=described.num_examples,
        num_validation_images=_num_examples(spec.splits.get(validation_split)),
        height=height,
        width=width,
        label_weights=class_statistics.label_weights(counted),
        thin_classes=tuple(names[each] for each in thickness.thin() if each != spec.ignore_label),
        absent_classes=tuple(
            name
            for number, name in enumerate(names)
            if not counted.pixels_per_class[number] and number != spec.ignore_label
        ),
        elongation=float(np.quantile(sides.max(axis=1) / sides.min(axis=1), 0.95)),
    )


def _num_examples(split: SplitSpec | None) -> int:
    return split.num_examples if split else 0


def _sample(spec: DatasetSpec, split: str) -> list[tuple[str, bytes]]:
    """Returns some records from all shards of a split, each with the path of its file."""
    paths = spec.shard_paths(split)
    each = -(-_MAX_SAMPLES // len(paths))
    return [
        (path, record)
        for path in paths[:_MAX_SAMPLES]
        for record in itertools.islice(tfrecords.read_records(path), each)
    ]


class _Thickness:
    """Finds classes whose regions are lines."""

    def __init__(self) -> None:
        self._pixels: dict[int, int] = {}
        self._thick: dict[int, int] = {}

    def add(self, ids: np.ndarray, num_classes: int) -> None:
        square = np.ones((_THIN_PIXELS, _THIN_PIXELS), np.uint8)
        for class_id in np.unique(ids).tolist():
            if class_id >= num_classes:
                continue
            region = (ids == class_id).astype(np.uint8)
            thick = cv2.morphologyEx(region, cv2.MORPH_OPEN, square)
            self._pixels[class_id] = self._pixels.get(class_id, 0) + int(region.sum())
            self._thick[class_id] = self._thick.get(class_id, 0) + int(thick.sum())

    def thin(self) -> list[int]:
        return [
            class_id
            for class_id in sorted(self._pixels)
            if self._thick[class_id] < (1 - _THIN_SHARE) * self._pixels[class_id]
        ]
