"""Counting the pixels of each id, and the label weights that follow."""

import numpy as np

from datasets.segmentation import class_statistics
from datasets.segmentation.class_statistics import ClassCounter


def test_ids_are_counted_beyond_what_one_histogram_holds(monkeypatch):
    mask = np.random.default_rng(0).integers(0, 256, (37, 53), dtype=np.uint8)
    expected = np.bincount(mask.ravel(), minlength=256)
    np.testing.assert_array_equal(class_statistics.count_ids(mask), expected)
    np.testing.assert_array_equal(
        class_statistics.count_ids(mask.T), expected, "a mask whose rows do not lie in a row"
    )
    monkeypatch.setattr(class_statistics, "_MAX_COUNTED", 100)
    counts = class_statistics.count_ids(mask)
    np.testing.assert_array_equal(counts, expected)
    assert counts.dtype == np.int64


def test_an_ignored_class_is_not_counted():
    counter = ClassCounter(num_classes=3, ignore_label=0)
    counter.add(np.bincount([0, 0, 0, 1, 2, 2], minlength=256), (2, 3))
    statistics = counter.to_split()
    assert statistics.pixels_per_class == (0, 1, 2)
    assert statistics.examples_per_class == (0, 1, 1)
    assert statistics.ignored_pixels == 3


def test_label_weights_follow_the_formula():
    counter = ClassCounter(num_classes=5, ignore_label=255)
    for counts in ((80, 16, 4, 0, 0), (1000, 0, 0, 1, 0)):
        histogram = np.zeros(256, np.int64)
        histogram[:5] = counts
        histogram[255] = 500  # Ignored pixels belong to no frequency.
        counter.add(histogram, (1, sum(counts)))
    # Class 0 has 1080 of the 1101 pixels of both examples, class 1 has 16 of the 100 of the first…
    frequencies = np.array([1080 / 1101, 16 / 100, 4 / 100, 1 / 1001])
    median = (16 / 100 + 4 / 100) / 2
    expected = np.round(np.sqrt(median / frequencies), 2)
    assert expected[3] > 5
    assert counter.suggest_label_weights() == (*expected[:3], 5, 1)


def test_label_weights_of_nothing_are_1():
    assert ClassCounter(2, 255).suggest_label_weights() == (1, 1)
