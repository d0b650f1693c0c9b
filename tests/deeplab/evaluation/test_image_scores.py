"""Scores of single images, and their table."""

import csv
import math

import numpy as np
import pytest

from deeplab.evaluation import image_scores
from deeplab.evaluation.evaluator import PredictedBatch
from deeplab.evaluation.image_scores import ImageScore, ImageScores

VOID = 255


def test_each_image_is_scored_without_padding_and_ignored_pixels():
    labels = np.full((2, 2, 3, 1), VOID, np.int32)
    labels[0, :, :2, 0] = [[0, 0], [1, VOID]]
    class_ids = np.zeros((2, 2, 3), np.int32)
    class_ids[0, 0, 1] = 2
    batch = PredictedBatch(
        np.array([b"a/\xff", b"b"]), np.array([2, 1]), np.array([2, 3]), labels, class_ids
    )
    scores = ImageScores(3, VOID)
    scores.add(batch)
    first, second = scores.scores
    assert (first.name, first.num_pixels) == ("a/\ufffd", 3)
    np.testing.assert_allclose(first.class_iou, [1 / 3, 0, 0])
    assert first.mean_iou == pytest.approx(1 / 9)
    assert first.pixel_accuracy == pytest.approx(1 / 3)
    np.testing.assert_array_equal(scores.images_of_class, [1, 1, 0])
    assert (second.name, second.num_pixels) == ("b", 0)
    assert math.isnan(second.mean_iou)


def test_the_table_is_one_for_spreadsheets_the_worst_image_first(tmp_path):
    path = tmp_path / "new" / "images.csv"
    scores = [
        ImageScore("good, with a comma", 6, (1.0, math.nan), 1.0, 1.0),
        ImageScore("nothing", 0, (math.nan, math.nan), math.nan, math.nan),
        ImageScore("=1+1", 4, (0.25, 0.5), 0.375, 0.5),
        ImageScore("straße", 4, (0.25, 0.5), 0.375, 0.25),
    ]
    image_scores.write_csv(str(path), scores, ["-sky", "road"])
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["image", "mean IoU", "pixel accuracy", "pixels", "IoU -sky", "IoU road"],
        ["straße", "0.375000", "0.250000", "4", "0.250000", "0.500000"],
        ["'=1+1", "0.375000", "0.500000", "4", "0.250000", "0.500000"],
        ["good, with a comma", "1.000000", "1.000000", "6", "1.000000", ""],
        ["nothing", "", "", "0", "", ""],
    ]
