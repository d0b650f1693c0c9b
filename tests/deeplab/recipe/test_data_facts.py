"""recipe.data_facts: what is seen of a dataset."""

import dataclasses

import numpy as np
import pytest

from datasets.segmentation import class_statistics
from datasets.segmentation.class_statistics import ClassCounter
from deeplab.recipe import data_facts
from tests.support import tiny_dataset


def images(sizes) -> list:
    """Images of class 0 with a line of class 1, 2 pixels wide, and a square of class 2."""
    made = []
    for number, (height, width) in enumerate(sizes):
        image, _ = tiny_dataset.random_image(number, height, width)
        mask = np.zeros((height, width), np.uint8)
        mask[:, 10:12] = 1
        mask[5:25, 20:40] = 2
        made.append((f"image {number}", image, mask))
    return made


def test_sizes_and_thin_classes_are_those_of_the_images(tmp_path):
    spec = tiny_dataset.write(tmp_path, images([(40, 60), (50, 80), (200, 90)]), num_classes=4)
    facts = data_facts.examine(spec, "train", "val")
    assert (facts.height, facts.width) == (50, 80)
    assert (facts.num_images, facts.num_validation_images) == (3, 0)
    assert 1.6 < facts.elongation < 200 / 90
    assert facts.thin_classes == ("class 1",)
    assert facts.absent_classes == ("class 3",)
    assert not facts.is_balanced
    assert dataclasses.replace(facts, label_weights=(0.7, 1.4, 1.0, 1.0)).is_balanced
    assert not dataclasses.replace(facts, label_weights=(0.5, 1.6)).is_balanced
    assert not dataclasses.replace(facts, label_weights=(0.28, 1.03, 1.0)).is_balanced


def test_classes_are_counted_where_nobody_has(tmp_path):
    spec = tiny_dataset.write(tmp_path, images([(40, 60)] * 4))
    split = spec.split("train")
    uncounted = dataclasses.replace(split, pixels_per_class=(), examples_per_class=())
    facts = data_facts.examine(
        dataclasses.replace(spec, splits={"train": uncounted}), "train", "val"
    )
    assert facts == data_facts.examine(spec, "train", "val")


def test_label_weights_of_a_description_are_nearly_those_of_the_masks():
    counter = ClassCounter(3, 255)
    for seed in range(20):
        random = np.random.default_rng(seed)
        shares = [0.9, 0.08, 0.02 * (seed % 2)]
        histogram = np.zeros(256, np.int64)
        histogram[:3] = random.multinomial(10000, np.array(shares) / sum(shares))
        counter.add(histogram, (100, 100))
    exact = counter.suggest_label_weights()
    assert class_statistics.label_weights(counter.to_split()) == pytest.approx(exact, abs=0.02)
