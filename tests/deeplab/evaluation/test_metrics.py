"""Scores of confusion matrices made by hand, and equality with TensorFlow's mean IoU."""

import math

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.evaluation import metrics


def test_confusion_matrix_counts_truth_in_rows_and_leaves_ignored_pixels_out():
    labels = np.array([[0, 0, 1], [2, 255, 1]], np.uint8)
    predictions = np.array([[0, 1, 1], [0, 2, 1]], np.int32)
    confusion = metrics.confusion_matrix(labels, predictions, 3, 255)
    assert confusion.dtype == np.int64
    np.testing.assert_array_equal(confusion, [[1, 1, 0], [0, 2, 0], [1, 0, 0]])


def test_an_ignore_label_that_is_a_class_id_is_not_scored():
    confusion = metrics.confusion_matrix(np.array([0, 1, 0, 2]), np.array([1, 1, 2, 0]), 3, 0)
    np.testing.assert_array_equal(confusion, [[0, 0, 0], [0, 1, 0], [1, 0, 0]])


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([0, 7], [0, 0], r"labels hold the ids \[7\]; expected 0..2 or the ignore label 255"),
        ([0, 0], [0, 3], r"predictions hold the ids \[3\]"),
        ([0, 0], [0, -1], r"predictions hold the ids \[-1\]"),
        ([0, 0], [0], "2 labels, but 1 predictions"),
    ],
)
def test_ids_that_are_no_class_are_refused(labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        metrics.confusion_matrix(np.array(labels), np.array(predictions), 3, 255)


def test_scores_by_hand():
    scores = metrics.compute_metrics([[3, 1, 0], [2, 4, 0], [0, 0, 10]])
    np.testing.assert_allclose(scores.class_iou, [3 / 6, 4 / 7, 1.0])
    np.testing.assert_allclose(scores.mean_iou, (3 / 6 + 4 / 7 + 1) / 3)
    np.testing.assert_allclose(scores.class_accuracy, [3 / 4, 4 / 6, 1.0])
    np.testing.assert_allclose(scores.mean_accuracy, (3 / 4 + 4 / 6 + 1) / 3)
    np.testing.assert_allclose(scores.pixel_accuracy, 17 / 20)
    assert scores.absent_classes == ()
    assert scores.only_predicted_class is None


def test_a_class_in_neither_truth_nor_prediction_is_left_out():
    scores = metrics.compute_metrics([[1, 0, 1], [0, 0, 0], [0, 0, 2]])
    assert scores.absent_classes == (1,)
    assert math.isnan(scores.class_iou[1])
    np.testing.assert_allclose(scores.mean_iou, (1 / 2 + 2 / 3) / 2)
    np.testing.assert_allclose(scores.mean_accuracy, (1 / 2 + 1) / 2)


def test_a_class_that_is_only_predicted_counts_as_zero():
    scores = metrics.compute_metrics([[1, 1], [0, 0]])
    assert scores.class_iou == (0.5, 0.0)
    assert scores.mean_iou == 0.25
    assert math.isnan(scores.class_accuracy[1])
    assert scores.mean_accuracy == 0.5


def test_the_constant_class_is_the_most_frequent_one():
    scores = metrics.compute_metrics([[5, 1, 0], [2, 10, 0], [2, 0, 0]])
    assert scores.constant_class == 1
    # Called everywhere: IoU 12/20 for itself, 0 for the two other true classes.
    np.testing.assert_allclose(scores.constant_mean_iou, 12 / 20 / 3)
    constant = metrics.compute_metrics([[0, 6, 0], [0, 12, 0], [0, 2, 0]])
    np.testing.assert_allclose(constant.mean_iou, scores.constant_mean_iou)


def test_predictions_of_one_class_are_noticed_unless_the_truth_is_one_class():
    assert metrics.compute_metrics([[4, 0], [6, 0]]).only_predicted_class == 0
    assert metrics.compute_metrics([[4, 0], [5, 1]]).only_predicted_class is None
    assert metrics.compute_metrics([[4, 0], [0, 0]]).only_predicted_class is None


def test_nothing_scored_is_not_a_number():
    scores = metrics.compute_metrics(np.zeros((3, 3), np.int64))
    assert math.isnan(scores.mean_iou)
    assert math.isnan(scores.pixel_accuracy)
    assert math.isnan(scores.constant_mean_iou)
    assert scores.constant_class is None
    assert scores.only_predicted_class is None
    assert scores.absent_classes == (0, 1, 2)


def test_mean_iou_is_that_of_tf_metrics():
    random = np.random.RandomState(0)
    labels = random.choice([0, 1, 2, 4, 255], 500)
    predictions = random.choice([0, 1, 2, 3], 500)
    confusion = metrics.confusion_matrix(labels, predictions, 6, 255)
    is_scored = labels != 255
    value, update = tf.metrics.mean_iou(
        tf.constant(np.where(is_scored, labels, 0)),
        tf.constant(predictions),
        6,
        weights=tf.constant(is_scored.astype(np.float32)),
    )
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        session.run(update)
        expected = session.run(value)
    np.testing.assert_allclose(metrics.compute_metrics(confusion).mean_iou, expected, rtol=1e-6)
