"""shown_examples: every class is in one of the chosen examples, and there are few of them."""

import numpy as np

from datasets.segmentation.shown_examples import ExampleChoice
from datasets.segmentation.sources.source import Sample

IGNORED = 255


def choose(num_classes, **histograms):
    """Chooses among examples given as pixels by id, by split; returns their names by split."""
    splits = {
        split: [Sample(f"{split}{number:03}", "", "") for number in range(len(counts))]
        for split, counts in histograms.items()
    }
    choice = ExampleChoice(splits, num_classes)
    for split, samples in splits.items():
        for sample, counts in zip(samples, histograms[split], strict=True):
            histogram = np.zeros(256, np.int64)
            for class_id, pixels in counts.items():
                histogram[class_id] = pixels
            choice.add(split, sample, histogram)
    return {split: [s.name for s in samples] for split, samples in choice.choose().items()}


def test_few_examples_are_all_shown_and_of_many_those_that_lie_apart():
    assert choose(2, train=[{0: 5}, {0: 3, 1: 2}]) == {"train": ["train000", "train001"]}
    assert len(choose(1, train=[{0: 5}] * 3)["train"]) == 3
    assert choose(1, train=[{0: 5}] * 100) == {
        "train": ["train000", "train025", "train050", "train075"]
    }


def test_a_rare_class_is_shown_where_it_is_largest():
    counts = [{0: 100} for _ in range(100)]
    counts[33], counts[66], counts[67] = {0: 99, 1: 1}, {0: 50, 1: 50}, {0: 90, 1: 10}
    shown = choose(2, train=counts)["train"]
    assert len(shown) == 4
    assert "train066" in shown
    assert "train033" not in shown


def test_an_example_of_many_classes_stands_for_those_of_one():
    alone = [{0: 90, class_id: 10} for class_id in range(1, 7)]
    shown = choose(8, train=[*alone, dict.fromkeys(range(8), 5)] * 3)["train"]
    assert len(shown) == 4


def test_more_than_four_only_for_classes_that_none_before_shows():
    alone = [{class_id: 10} for class_id in range(40)]
    shown = choose(40, train=alone, val=alone[:30])
    assert len(shown["train"]) == 24
    # Of the classes that train does not show.
    assert len(shown["val"]) in range(4, 17)
    shown = choose(10, train=alone[:10], val=alone[:10])
    assert len(shown["train"]) == 10
    assert len(shown["val"]) == 4


def test_ignored_pixels_are_of_no_class_and_an_empty_split_shows_nothing():
    shown = choose(2, train=[{IGNORED: 9}] * 9, val=[])
    assert len(shown["train"]) == 4
    assert shown["val"] == []
