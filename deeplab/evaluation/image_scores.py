"""Scores of single images of a split, and their table for spreadsheets."""

import csv
import dataclasses
import io
import math
import os
from collections.abc import Iterator, Sequence

import numpy as np

from common import files
from deeplab.evaluation import metrics
from deeplab.evaluation.evaluator import PredictedBatch

# What makes a spreadsheet take the content of a cell for a formula, and run it.
_STARTS_OF_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@dataclasses.dataclass(frozen=True)
class ImageScore:
    """The scores of one image. Shares are 0..1, and NaN without any scored pixel.

    Attributes:
      name: of the record.
      num_pixels: pixels with a class.
      class_iou: of each class; NaN for one that is absent from label and prediction.
      mean_iou: average over the classes that occur.
      pixel_accuracy: share of pixels with the right class.
    """

    name: str
    num_pixels: int
    class_iou: tuple[float, ...]
    mean_iou: float
    pixel_accuracy: float

    def badness(self) -> tuple[float, float]:
        """Returns what images are sorted by, the worst first; one without a score comes last."""
        if math.isnan(self.mean_iou):
            return math.inf, math.inf
        return self.mean_iou, self.pixel_accuracy


class ImageScores:
    """Scores each image for itself.

    Args:
      num_classes, ignore_label: of the dataset.

    Attributes:
      scores: of the images so far, in the order of the records.
      images_of_class: int64 [num_classes], images whose labels have each class.
    """

    def __init__(self, num_classes: int, ignore_label: int):
        self._num_classes = num_classes
        self._ignore_label = ignore_label
        self.scores: list[ImageScore] = []
        self.images_of_class = np.zeros(num_classes, np.int64)

    def add(self, batch: PredictedBatch) -> None:
        """Scores the images of a batch."""
        for name, (labels, class_ids) in zip(batch.image_names, batch.pairs(), strict=True):
            confusion = metrics.confusion_matrix(
                labels, class_ids, self._num_classes, self._ignore_label
            )
            scores = metrics.compute_metrics(confusion)
            self.images_of_class += confusion.any(axis=1)
            self.scores.append(
                ImageScore(
                    name.decode(errors="replace"),
                    int(confusion.sum()),
                    scores.class_iou,
                    scores.mean_iou,
                    scores.pixel_accuracy,
                )
            )


def write_csv(path: str, scores: Sequence[ImageScore], class_names: Sequence[str]) -> None:
    """Writes a table of images, the worst first: UTF-8 with its mark, as spreadsheets want it.

    What is not defined is an empty cell. A name that a spreadsheet would take for a formula begins
    with an apostrophe.

    Raises:
      OSError: the file cannot be written; the message names it.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(["image", "mean IoU", "pixel accuracy", "pixels", *_headers(class_names)])
    for each in sorted(scores, key=ImageScore.badness):
        shares = [each.mean_iou, each.pixel_accuracy]
        numbers = [*map(_cell, shares), each.num_pixels, *map(_cell, each.class_iou)]
        table.writerow([_text(each.name), *numbers])
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    files.write(path, text.getvalue().encode("utf-8-sig", errors="replace"))


def _headers(class_names: Sequence[str]) -> Iterator[str]:
    for name in class_names:
        yield _text(f"IoU {name}")


def _cell(share: float) -> str:
    return "" if math.isnan(share) else f"{share:.6f}"


def _text(name: str) -> str:
    return f"'{name}" if name.startswith(_STARTS_OF_FORMULAS) else name
