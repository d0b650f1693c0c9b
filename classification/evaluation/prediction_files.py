"""Files about single predictions of a split: a table, a sheet of images, the confusions."""

import csv
import io
import os
from collections.abc import Sequence

import numpy as np
from PIL import Image

from classification.evaluation.evaluator import PredictedBatch
from common import files
from serving.drawing import confusion, sheet


class Predictions:
    """Collects what a classifier says of each image, for a table.

    Args:
      class_names: of the network.
    """

    def __init__(self, class_names: Sequence[str]):
        self._class_names = class_names
        self._rows: list[tuple[str, str, str, str]] = []

    def add(self, batch: PredictedBatch) -> None:
        """Adds the images of a batch."""
        predicted = batch.probabilities.argmax(axis=1)
        for name, label, class_id, probabilities in zip(
            batch.image_names, batch.labels, predicted, batch.probabilities, strict=True
        ):
            self._rows.append(
                (
                    name.decode(errors="replace"),
                    self._class_names[label],
                    self._class_names[class_id],
                    f"{probabilities[class_id]:.6f}",
                )
            )

    def write(self, path: str) -> None:
        """Writes a CSV file, whole or not at all: file, label, predicted, probability."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("file", "label", "predicted", "probability"))
        writer.writerows(self._rows)
        files.write(path, text.getvalue().encode())


def write_confusion(path: str, counts: np.ndarray, class_names: Sequence[str]) -> None:
    """Draws a confusion matrix, integers [classes, classes], into a PNG file."""
    write_image(path, confusion.draw(counts, class_names))


def sheet_entry(
    image: Image.Image, label: int, probabilities: np.ndarray, class_names: Sequence[str]
) -> sheet.Entry:
    """Returns an image for a sheet, with what the classifier says of it, and the truth if it errs.

    Args:
      image: an RGB image.
      label: its class id.
      probabilities: float [classes].
      class_names: of the network.
    """
    predicted = int(probabilities.argmax())
    is_right = predicted == label
    lines = [
        (
            f"{class_names[predicted]} {probabilities[predicted]:.0%}",
            sheet.GOOD if is_right else sheet.BAD,
        )
    ]
    lines.append(("", sheet.PLAIN) if is_right else (f"is {class_names[label]}", sheet.PLAIN))
    return sheet.Entry(image, lines)


def write_image(path: str, image: Image.Image) -> None:
    """Writes a PNG file, whole or not at all."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    files.write(path, buffer.getvalue())
