"""Scores of a classifier, from its probabilities and the labels. NumPy only."""

import dataclasses

import numpy as np

# Labels among that many most probable classes count as found, as is usual since ImageNet.
TOP = 5


@dataclasses.dataclass(frozen=True)
class Metrics:
    """Scores over all images of a split.

    Attributes:
      accuracy: share of the images whose most probable class is the label (top-1).
      top_5: share whose label is among the five most probable classes; 1 for up to five classes.
      mean_recall: mean over the classes that occur, of `recall`.
      cross_entropy: mean of -log of the label's probability, in nats.
      recall: float64 [classes], of the images of a class, the share that is predicted as it; NaN
        for a class without images.
      precision: float64 [classes], of the images predicted as a class, the share that is it; NaN
        for a class that is never predicted.
      support: int64 [classes], images of each class.
    """

    accuracy: float
    top_5: float
    mean_recall: float
    cross_entropy: float
    recall: np.ndarray
    precision: np.ndarray
    support: np.ndarray


class Counter:
    """Adds up what the scores are computed of, batch by batch.

    Attributes:
      confusion: int64 [classes, classes], images by label (row) and predicted class.
      num_undefined: int64 [classes], images by label whose probabilities hold NaN: they have no
        predicted class, are not found, and make the cross entropy NaN.
    """

    def __init__(self, num_classes: int):
        self.confusion = np.zeros((num_classes, num_classes), np.int64)
        self.num_undefined = np.zeros(num_classes, np.int64)
        self._num_in_top = 0
        self._loss = 0.0

    def add(self, labels: np.ndarray, probabilities: np.ndarray) -> None:
        """Adds a batch: labels, integers [batch], and probabilities, float [batch, classes]."""
        # argmax takes the first NaN for the largest, and no comparison with NaN is true.
        is_undefined = np.isnan(probabilities).any(axis=1)
        np.add.at(self.num_undefined, labels[is_undefined], 1)
        self._loss += np.nan if is_undefined.any() else 0.0
        labels, probabilities = labels[~is_undefined], probabilities[~is_undefined]
        predicted = probabilities.argmax(axis=1)
        np.add.at(self.confusion, (labels, predicted), 1)
        own = probabilities[np.arange(len(labels)), labels]
        num_above = (probabilities > own[:, np.newaxis]).sum(axis=1)
        self._num_in_top += int((num_above < TOP).sum())
        smallest = np.finfo(np.float32).tiny
        self._loss -= float(np.log(np.maximum(own, smallest), dtype=np.float64).sum())

    def metrics(self) -> Metrics:
        """Returns the scores of all batches."""
        correct = np.diagonal(self.confusion)
        support = self.confusion.sum(axis=1) + self.num_undefined
        predicted = self.confusion.sum(axis=0)
        total = support.sum()
        with np.errstate(invalid="ignore"):
            recall, precision = correct / support, correct / predicted
        occurs = support > 0
        return Metrics(
            accuracy=float(correct.sum() / total) if total else float("nan"),
            top_5=float(self._num_in_top / total) if total else float("nan"),
            mean_recall=float(recall[occurs].mean()) if occurs.any() else float("nan"),
            cross_entropy=float(self._loss / total) if total else float("nan"),
            recall=recall,
            precision=precision,
            support=support,
        )
