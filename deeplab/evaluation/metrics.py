"""Scores of a segmentation, all from one confusion matrix. NumPy only.

The mean IoU is that of `tf.metrics.mean_iou`, which research/deeplab reports: the average over the
classes that occur in labels or predictions.
"""

import dataclasses

import numpy as np


def confusion_matrix(
    labels: np.ndarray, class_ids: np.ndarray, num_classes: int, ignore_label: int
) -> np.ndarray:
    """Counts pixels by label and predicted class; pixels with the ignore label do not count.

    Args:
      labels: integers of any shape, class ids and the ignore label.
      class_ids: as many integers, the prediction.
      num_classes, ignore_label: of the dataset.

    Returns:
      int64 [num_classes, num_classes]; rows are labels, columns predicted classes.

    Raises:
      ValueError: the sizes differ, or a scored id is not a class.
    """
    labels, class_ids = np.ravel(labels), np.ravel(class_ids)
    if labels.size != class_ids.size:
        raise ValueError(f"there are {labels.size} labels, but {class_ids.size} predictions.")
    is_scored = labels != ignore_label
    labels = labels[is_scored].astype(np.int64)
    class_ids = class_ids[is_scored].astype(np.int64)
    for noun, ids in (("labels", labels), ("predictions", class_ids)):
        wrong = np.unique(ids[(ids < 0) | (ids >= num_classes)])
        if wrong.size:
            raise ValueError(
                f"{noun} hold the ids {wrong.tolist()}; expected 0..{num_classes - 1} or the "
                f"ignore label {ignore_label}."
            )
    counts = np.bincount(labels * num_classes + class_ids, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


@dataclasses.dataclass(frozen=True)
class Metrics:
    """The scores of one confusion matrix. Shares are 0..1, and NaN without any scored pixel.

    Attributes:
      mean_iou: average of `class_iou` over the classes that occur.
      class_iou: for each class, the pixels that have it in both labels and prediction over those
        that have it in either; NaN for an absent class.
      class_accuracy: recall of each class; NaN for a class without labeled pixels.
      mean_accuracy: average of `class_accuracy` over the classes with labeled pixels.
      pixel_accuracy: share of pixels with the right class.
      absent_classes: ids absent from labels and predictions; `mean_iou` leaves them out.
      constant_class: the most frequent label.
      constant_mean_iou: the mean IoU of calling every pixel `constant_class`: a network that has
        learned anything is above it.
      only_predicted_class: the class of every prediction, if that is one class although the labels
        have several; else None.
    """

    mean_iou: float
    class_iou: tuple[float, ...]
    class_accuracy: tuple[float, ...]
    mean_accuracy: float
    pixel_accuracy: float
    absent_classes: tuple[int, ...]
    constant_class: int | None
    constant_mean_iou: float
    only_predicted_class: int | None


def compute_metrics(confusion: np.ndarray) -> Metrics:
    """Computes every score of a `confusion_matrix`."""
    confusion = np.asarray(confusion)
    is_right = np.diagonal(confusion)
    labeled, predicted, total = confusion.sum(axis=1), confusion.sum(axis=0), confusion.sum()
    union = labeled + predicted - is_right
    class_iou = _share(is_right, union)
    class_accuracy = _share(is_right, labeled)
    predicted_classes = np.flatnonzero(predicted)
    only_predicted = predicted_classes.size == 1 and np.count_nonzero(labeled) > 1
    return Metrics(
        mean_iou=_mean(class_iou),
        class_iou=tuple(class_iou.tolist()),
        class_accuracy=tuple(class_accuracy.tolist()),
        mean_accuracy=_mean(class_accuracy),
        pixel_accuracy=float(_share(is_right.sum(), total)),
        absent_classes=tuple(np.flatnonzero(union == 0).tolist()),
        constant_class=int(labeled.argmax()) if total else None,
        # Its IoU is its share of all pixels; that of every other labeled class is 0.
        constant_mean_iou=float(_share(labeled.max(), total * np.count_nonzero(labeled))),
        only_predicted_class=int(predicted_classes[0]) if only_predicted else None,
    )


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divides; NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=np.not_equal(whole, 0))


def _mean(shares: np.ndarray) -> float:
    """The mean of the shares that are defined, NaN if none is."""
    defined = shares[~np.isnan(shares)]
    return float(defined.mean()) if defined.size else float("nan")
