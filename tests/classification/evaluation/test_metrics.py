"""Scores of a classifier, by hand."""

import numpy as np
import pytest

from classification.evaluation import metrics


def test_scores_are_those_of_a_confusion_matrix_made_by_hand():
    counter = metrics.Counter(4)
    counter.add(
        np.array([0, 0, 1]),
        np.array([[0.7, 0.1, 0.1, 0.1], [0.2, 0.6, 0.1, 0.1], [0.1, 0.8, 0.1, 0.0]]),
    )
    counter.add(np.array([3]), np.array([[0.9, 0.05, 0.05, 0.0]]))
    found = counter.metrics()

    np.testing.assert_array_equal(
        counter.confusion, [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    )
    assert found.accuracy == 0.5
    assert found.top_5 == 1.0
    np.testing.assert_array_equal(found.support, [2, 1, 0, 1])
    np.testing.assert_array_equal(found.recall, [0.5, 1.0, np.nan, 0.0])
    np.testing.assert_array_equal(found.precision, [0.5, 0.5, np.nan, np.nan])
    assert found.mean_recall == 0.5
    floor = -np.log(np.finfo(np.float32).tiny)
    assert found.cross_entropy == pytest.approx(
        (-np.log(0.7) - np.log(0.2) - np.log(0.8) + floor) / 4
    )


def test_a_label_is_found_among_the_five_most_probable_classes():
    counter = metrics.Counter(8)
    probabilities = np.arange(8, 0, -1)[np.newaxis] / 36
    for label in (0, 4, 5, 7):
        counter.add(np.array([label]), probabilities)
    assert counter.metrics().top_5 == 0.5
    assert counter.metrics().accuracy == 0.25


def test_an_image_with_nan_among_its_probabilities_is_not_found():
    counter = metrics.Counter(3)
    counter.add(
        np.array([0, 1, 2, 1]),
        np.array([[np.nan] * 3, [0.1, 0.8, np.nan], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1]]),
    )
    found = counter.metrics()
    np.testing.assert_array_equal(counter.confusion, [[0, 0, 0], [0, 1, 0], [0, 1, 0]])
    assert found.accuracy == 0.25
    assert found.top_5 == 0.5
    np.testing.assert_array_equal(found.support, [1, 2, 1])
    np.testing.assert_array_equal(found.recall, [0, 0.5, 0])
    assert np.isnan(found.cross_entropy)


def test_without_images_nothing_is_defined():
    found = metrics.Counter(3).metrics()
    assert np.isnan([found.accuracy, found.top_5, found.mean_recall, found.cross_entropy]).all()
