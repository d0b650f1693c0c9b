"""The words of a validation."""

import numpy as np

from deeplab.evaluation import metrics, validation


def test_a_score_is_worded_and_so_is_that_there_is_none():
    half = metrics.compute_metrics(np.array([[2, 2], [0, 4]]))
    assert validation._worded(half) == "mean IoU 0.5833, pixel accuracy 0.7500"
    nothing = metrics.compute_metrics(np.zeros((2, 2), int))
    assert validation._worded(nothing).startswith("no score, because every label of the split")
