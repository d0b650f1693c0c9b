"""Boundary IoU of each class: how well outlines agree. Cheng et al., arXiv 2103.16562.

The boundary of a mask is what an erosion takes away from it, 2 % of the image's diagonal wide;
outside the image there is nothing, so that its edge is a boundary, too. Intersection and union of
the boundaries in label and prediction are added up over the images of a split, for each class, as
those of whole masks are for the mean IoU. Ignored pixels are in no mask.
"""

import math

import cv2
import numpy as np

from deeplab.evaluation.evaluator import PredictedBatch

# Width of a boundary over the diagonal of its image: section 5 of the paper.
WIDTH_SHARE = 0.02
_KERNEL = np.ones((3, 3), np.uint8)


def boundary(mask: np.ndarray) -> np.ndarray:
    """Returns the pixels of a mask that are near to pixels outside it.

    Args:
      mask: uint8 [height, width], 0 and 1.

    Returns:
      uint8 [height, width], 0 and 1.
    """
    height, width = mask.shape
    iterations = max(1, round(WIDTH_SHARE * math.hypot(height, width)))
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    eroded = cv2.erode(padded, _KERNEL, iterations=iterations)
    return mask - eroded[1:-1, 1:-1]


class BoundaryCounts:
    """Adds up intersections and unions of boundaries.

    Args:
      num_classes, ignore_label: of the dataset.

    Attributes:
      intersection, union: int64 [num_classes], pixels.
    """

    def __init__(self, num_classes: int, ignore_label: int):
        self._ignore_label = ignore_label
        self.intersection = np.zeros(num_classes, np.int64)
        self.union = np.zeros(num_classes, np.int64)

    def add(self, batch: PredictedBatch) -> None:
        """Counts each image of a batch, without its padding."""
        for labels, class_ids in batch.pairs():
            self.add_image(labels, class_ids)

    def add_image(self, labels: np.ndarray, class_ids: np.ndarray) -> None:
        """Counts an image: integers [height, width], class ids; labels also the ignore label."""
        is_scored = labels != self._ignore_label
        for index in range(len(self.union)):
            label_mask = (labels == index) & is_scored
            predicted_mask = (class_ids == index) & is_scored
            if not label_mask.any() and not predicted_mask.any():
                continue
            in_label = boundary(label_mask.astype(np.uint8))
            in_prediction = boundary(predicted_mask.astype(np.uint8))
            self.intersection[index] += np.count_nonzero(in_label & in_prediction)
            self.union[index] += np.count_nonzero(in_label | in_prediction)

    def class_iou(self) -> np.ndarray:
        """Returns the boundary IoU of each class, float64; NaN for an absent one."""
        shares = np.full(len(self.union), np.nan)
        return np.divide(self.intersection, self.union, out=shares, where=self.union > 0)

    def mean_iou(self) -> float:
        """Returns the mean over the classes that occur; NaN where none does."""
        defined = self.class_iou()[self.union > 0]
        return float(defined.mean()) if defined.size else math.nan
