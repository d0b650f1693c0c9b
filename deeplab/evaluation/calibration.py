"""What the probabilities of a network are worth: calibration, and thresholds of single classes.

NumPy only, from what `probability_counts` has counted.
"""

import dataclasses
import math

import numpy as np

from deeplab.evaluation.evaluator import PredictedBatch


@dataclasses.dataclass(frozen=True)
class ThresholdCurve:
    """What calling a pixel a class from some probability on gives, for one class against the rest.

    Attributes:
      thresholds: probabilities from which on a pixel has the class, float64 [thresholds].
      iou, f1, precision, recall: at each threshold; NaN where not defined.
    """

    thresholds: np.ndarray
    iou: np.ndarray
    f1: np.ndarray
    precision: np.ndarray
    recall: np.ndarray

    def best(self) -> int | None:
        """Returns the index of the threshold with the highest IoU; None where none is defined."""
        return None if np.isnan(self.iou).all() else int(np.nanargmax(self.iou))


class Calibration:
    """Adds up the counts of the batches of a split. A bin without pixels has NaN.

    Attributes:
      pixels: int64 [bins], pixels by confidence, the highest probability of a pixel.
      right: int64 [bins], those of them with the right class.
      confidence: float64 [bins], sum of their confidences.
      of_class: int64 [num_classes, 2, thresholds], pixels by the probability of a class, with
        another label and with this one.
    """

    def __init__(self) -> None:
        self.pixels = self.right = self.confidence = self.of_class = np.zeros(0)

    def add(self, batch: PredictedBatch) -> None:
        """Adds the counts of a batch; the evaluator has to have been asked for them."""
        assert batch.probability_counts is not None, "open the evaluator with_probabilities"
        for name, counts in batch.probability_counts.items():
            counts = counts.astype(np.float64 if name == "confidence" else np.int64)
            total = getattr(self, name)
            setattr(self, name, total + counts if total.size else counts)

    def accuracy_of_bins(self) -> np.ndarray:
        """Returns the share of right pixels in each bin."""
        return _share(self.right, self.pixels)

    def confidence_of_bins(self) -> np.ndarray:
        """Returns the mean confidence in each bin."""
        return _share(self.confidence, self.pixels)

    def expected_error(self) -> float:
        """Returns the expected calibration error (ECE), 0..1; NaN without pixels.

        The mean distance of confidence and accuracy over bins, weighted by their pixels: section 2
        of Guo et al., arXiv 1706.04599.
        """
        total = self.pixels.sum()
        return float(np.abs(self.right - self.confidence).sum() / total) if total else math.nan

    def mean_confidence(self) -> float:
        """Returns the mean confidence of all pixels; NaN without pixels."""
        total = self.pixels.sum()
        return float(self.confidence.sum() / total) if total else math.nan

    def threshold_curve(self, class_id: int) -> ThresholdCurve:
        """Returns the curve of a class."""
        others, own = self.of_class[class_id]
        num_bins = len(own)
        # Pixels from each threshold on.
        false, true = np.cumsum(others[::-1])[::-1], np.cumsum(own[::-1])[::-1]
        total = own.sum()
        return ThresholdCurve(
            np.arange(num_bins) / num_bins,
            iou=_share(true, total + false),
            f1=_share(2 * true, total + true + false),
            precision=_share(true, true + false),
            recall=_share(true, np.full(num_bins, total)),
        )


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=np.not_equal(whole, 0))
