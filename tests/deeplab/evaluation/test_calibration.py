"""Counts of probabilities in the graph, and what is computed of them, against loops in NumPy."""

import math

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.evaluation import probability_counts
from deeplab.evaluation.calibration import Calibration
from deeplab.evaluation.evaluator import PredictedBatch

VOID = 255
NUM_CLASSES = 3


def random_batch(seed: int):
    """Returns labels [2, 9, 7, 1], probabilities [2, 9, 7, 3]; a pixel has probability 1."""
    random = np.random.RandomState(seed)
    logits = random.normal(0, 3, (2, 9, 7, NUM_CLASSES))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=3, keepdims=True)
    probabilities[0, 0, 0] = [0, 1, 0]
    labels = random.choice([0, 1, 2, VOID], (2, 9, 7, 1)).astype(np.int32)
    labels[0, 0, 0] = 1
    return labels, probabilities.astype(np.float32)


def batch_of(labels, probabilities) -> PredictedBatch:
    class_ids = probabilities.argmax(axis=3).astype(np.int32)
    with tf.Graph().as_default(), tf.Session() as session:
        counts = session.run(
            probability_counts.count(
                tf.constant(labels), tf.constant(class_ids), tf.constant(probabilities), VOID
            )
        )
    size = np.full(len(labels), labels.shape[1])
    return PredictedBatch(np.array([b"", b""]), size, size, labels, class_ids, counts)


@pytest.fixture(scope="module")
def counted():
    """(labels [pixels], probabilities [pixels, classes], their Calibration), of two batches."""
    calibration = Calibration()
    labels, probabilities = [], []
    for seed in range(2):
        batch = random_batch(seed)
        calibration.add(batch_of(*batch))
        is_scored = batch[0][..., 0] != VOID
        labels.append(batch[0][..., 0][is_scored])
        probabilities.append(batch[1][is_scored])
    return np.concatenate(labels), np.concatenate(probabilities), calibration


def test_bins_of_confidence_and_the_expected_error(counted):
    labels, probabilities, calibration = counted
    confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    num_bins = probability_counts.CONFIDENCE_BINS
    error = 0.0
    for index in range(num_bins):
        is_last = index == num_bins - 1
        inside = (confidence >= index / num_bins) & (
            is_last | (confidence < (index + 1) / num_bins)
        )
        assert calibration.pixels[index] == inside.sum()
        if not inside.any():
            assert math.isnan(calibration.accuracy_of_bins()[index])
            continue
        accuracy, mean = is_right[inside].mean(), confidence[inside].mean()
        assert calibration.accuracy_of_bins()[index] == pytest.approx(accuracy)
        assert calibration.confidence_of_bins()[index] == pytest.approx(mean, rel=1e-5)
        error += inside.mean() * abs(accuracy - mean)
    assert calibration.expected_error() == pytest.approx(error, rel=1e-5)
    assert calibration.mean_confidence() == pytest.approx(confidence.mean(), rel=1e-5)


@pytest.mark.parametrize("class_id", range(NUM_CLASSES))
def test_curves_of_thresholds(counted, class_id):
    labels, probabilities, calibration = counted
    curve = calibration.threshold_curve(class_id)
    has_label = labels == class_id
    for index in (0, 1, 37, 50, 99):
        found = probabilities[:, class_id] >= curve.thresholds[index]
        true, false = (found & has_label).sum(), (found & ~has_label).sum()
        assert curve.iou[index] == pytest.approx(true / (found | has_label).sum())
        assert curve.f1[index] == pytest.approx(2 * true / (true + false + has_label.sum()))
        assert curve.recall[index] == pytest.approx(true / has_label.sum())
        if found.any():
            assert curve.precision[index] == pytest.approx(true / found.sum())
    assert curve.iou[0] == pytest.approx(has_label.mean())
    assert curve.best() == int(np.nanargmax(curve.iou))


def test_a_network_that_knows_what_it_knows_has_no_error():
    calibration = Calibration()
    calibration.pixels = np.array([0, 10, 10])
    calibration.right = np.array([0, 5, 9])
    calibration.confidence = np.array([0, 5.0, 9.0])
    assert calibration.expected_error() == 0
    calibration.confidence = np.array([0, 7.0, 10.0])
    assert calibration.expected_error() == pytest.approx(3 / 20)


def test_a_split_without_labels_is_not_a_number():
    labels, probabilities = random_batch(0)
    calibration = Calibration()
    calibration.add(batch_of(np.full_like(labels, VOID), probabilities))
    assert calibration.pixels.sum() == calibration.of_class.sum() == 0
    assert math.isnan(calibration.expected_error())
    assert calibration.threshold_curve(0).best() is None
