"""Scores of a segmentation, all from one confusion matrix. NumPy only.

The mean IoU is that of `tf.metrics.mean_iou`, which research/deeplab reports: the average over the
classes that occur in truth or prediction.
"""

import dataclasses

import numpy as np


def confusion_matrix(
    labels: np.ndarray, predictions: np.ndarray, num_classes: int, ignore_label: int
) -> np.ndarray:
    """Counts pixels by true and predicted class; pixels with the ignore label do not count.

    Args:
      labels: integers of any shape, class ids and the ignore label.
      predictions: integers of the same number of values, class ids.
      num_classes: number of classes.
      ignore_label: label of pixels that are not scored, whatever was predicted there.

    Returns:
      int64 [num_classes, num_classes]; rows are true classes, columns predicted ones.

    Raises:
      ValueError: the sizes differ, or a scored id is no class.
    """
    labels, predictions = np.ravel(labels), np.ravel(predictions)
    if labels.size != predictions.size:
        raise ValueError(f"there are {labels.size} labels, but {predictions.size} predictions.")
    is_scored = labels != ignore_label
    labels = labels[is_scored].astype(np.int64)
    predictions = predictions[is_scored].astype(np.int64)
    for noun, ids in (("labels", labels), ("predictions", predictions)):
        if ids.size and not 0 <= ids.min() <= ids.max() < num_classes:
            wrong = np.unique(ids[(ids < 0) | (ids >= num_classes)])
            raise ValueError(
                f"{noun} hold the ids {wrong.tolist()}; expected 0..{num_classes - 1} or the "
                f"ignore label {ignore_label}."
            )
    counts = np.bincount(labels * num_classes + predictions, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


@dataclasses.dataclass(frozen=True)
class Metrics:
    """The scores of one confusion matrix. Shares are 0..1, and NaN without any scored pixel.

    Attributes:
      mean_iou: average of `class_iou` over the classes that occur.
      class_iou: for each class, the pixels that are it in truth and prediction over those that
        are it in either; NaN for an absent class.
      class_accuracy: for each class, the share of its true pixels that were found; NaN for a
        class without true pixels.
      mean_accuracy: average of `class_accuracy` over the classes with true pixels.
      pixel_accuracy: share of pixels with the right class.
      absent_classes: ids that occur neither in truth nor in prediction; `mean_iou` leaves them out.
      constant_class: the most frequent true class.
      constant_mean_iou: the mean IoU of calling every pixel `constant_class`: a network that has
        learned anything is above it.
      only_predicted_class: the class of every prediction, if that is one class although the truth
        has several; else None.
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
    """Computes every score of a confusion matrix.

    Args:
      confusion: integers [num_classes, num_classes] as of `confusion_matrix`.

    Returns:
      The scores.
    """
    confusion = np.asarray(confusion)
    is_right = np.diagonal(confusion)
    true, predicted, total = confusion.sum(axis=1), confusion.sum(axis=0), confusion.sum()
    union = true + predicted - is_right
    class_iou = _share(is_right, union)
    class_accuracy = _share(is_right, true)
    predicted_classes = np.flatnonzero(predicted)
    only_predicted = predicted_classes.size == 1 and np.count_nonzero(true) > 1
    return Metrics(
        mean_iou=_mean(class_iou),
        class_iou=tuple(class_iou.tolist()),
        class_accuracy=tuple(class_accuracy.tolist()),
        mean_accuracy=_mean(class_accuracy),
        pixel_accuracy=float(_share(is_right.sum(), total)),
        absent_classes=tuple(np.flatnonzero(union == 0).tolist()),
        constant_class=int(true.argmax()) if total else None,
        # Its IoU is its share of all pixels; that of every other true class is 0.
        constant_mean_iou=float(_share(true.max(), total * np.count_nonzero(true))),
        only_predicted_class=int(predicted_classes[0]) if only_predicted else None,
    )


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divides; NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=np.not_equal(whole, 0))


def _mean(shares: np.ndarray) -> float:
    """The mean of the shares that are defined, NaN if none is."""
    defined = shares[~np.isnan(shares)]
    return float(defined.mean()) if defined.size else float("nan")
