"""Counting the pixels of each id."""

import numpy as np

from datasets.segmentation import class_statistics


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
