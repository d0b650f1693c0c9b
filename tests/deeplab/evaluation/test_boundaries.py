"""Boundary IoU: the boundary by its definition, and the counts of a split."""

import math

import numpy as np
import pytest

from deeplab.evaluation import boundaries
from deeplab.evaluation.evaluator import PredictedBatch

VOID = 255


def boundary_by_definition(mask: np.ndarray) -> np.ndarray:
    """Pixels of a mask with a pixel outside it, or the end of the image, in a square around."""
    height, width = mask.shape
    distance = max(1, round(0.02 * np.sqrt(height**2 + width**2)))
    found = np.zeros_like(mask)
    for row in range(height):
        for column in range(width):
            rows = range(row - distance, row + distance + 1)
            columns = range(column - distance, column + distance + 1)
            is_whole = all(
                0 <= y < height and 0 <= x < width and mask[y, x] for y in rows for x in columns
            )
            found[row, column] = mask[row, column] and not is_whole
    return found


def blob(height: int, width: int, seed: int) -> np.ndarray:
    random = np.random.RandomState(seed)
    rows, columns = np.mgrid[:height, :width]
    mask = np.zeros((height, width), bool)
    for _ in range(3):
        y, x, radius = random.randint(height), random.randint(width), random.randint(8, 25)
        mask |= (rows - y) ** 2 + (columns - x) ** 2 < radius**2
    return mask.astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(5, 7), (60, 80), (90, 51), (75, 100)])
def test_a_boundary_is_as_wide_as_two_percent_of_the_diagonal(height, width):
    for seed in range(3):
        mask = blob(height, width, seed)
        np.testing.assert_array_equal(boundaries.boundary(mask), boundary_by_definition(mask))
    whole = np.ones((height, width), np.uint8)
    np.testing.assert_array_equal(boundaries.boundary(whole), boundary_by_definition(whole))


def test_counts_are_sums_over_images_for_each_class_that_occurs():
    counts = boundaries.BoundaryCounts(4, VOID)
    intersection, union = np.zeros(4, int), np.zeros(4, int)
    for seed in range(3):
        labels, class_ids = blob(60, 80, seed).astype(int), 2 * blob(60, 80, seed + 1)
        counts.add_image(labels, class_ids)
        for index in range(4):
            one, other = (
                boundary_by_definition((each == index).astype(np.uint8))
                for each in (labels, class_ids)
            )
            intersection[index] += (one & other).sum()
            union[index] += (one | other).sum()
    np.testing.assert_array_equal(counts.intersection, intersection)
    np.testing.assert_array_equal(counts.union, union)
    expected = intersection[:3] / union[:3]
    np.testing.assert_allclose(counts.class_iou(), [*expected, np.nan])
    np.testing.assert_allclose(counts.mean_iou(), expected.mean())


def test_ignored_pixels_are_in_no_mask_and_padding_is_no_part_of_an_image():
    labels, class_ids = blob(60, 80, 0).astype(np.int32), blob(60, 80, 1).astype(np.int32)
    labels[10:20, 15:50] = VOID
    by_hand = boundaries.BoundaryCounts(2, VOID)
    by_hand.add_image(labels, np.where(labels == VOID, 7, class_ids))
    padded = np.full((1, 65, 97, 1), VOID, np.int32)
    padded[0, :60, :80, 0] = labels
    predicted = np.ones((1, 65, 97), np.int32)
    predicted[0, :60, :80] = class_ids
    counts = boundaries.BoundaryCounts(2, VOID)
    counts.add(PredictedBatch(np.array([b"x"]), np.array([60]), np.array([80]), padded, predicted))
    np.testing.assert_array_equal(counts.intersection, by_hand.intersection)
    np.testing.assert_array_equal(counts.union, by_hand.union)
    same = boundaries.BoundaryCounts(2, VOID)
    same.add_image(labels, np.where(labels == VOID, 1, labels))
    assert same.mean_iou() == 1.0


def test_a_shifted_outline_costs_the_boundary_more_than_the_mask():
    labels = np.zeros((100, 100), int)
    labels[20:80, 20:80] = 1
    counts = boundaries.BoundaryCounts(2, VOID)
    counts.add_image(labels, np.roll(labels, 2, axis=1))
    assert counts.class_iou()[1] < 0.6 < 58 / 62


def test_nothing_scored_is_not_a_number():
    counts = boundaries.BoundaryCounts(2, VOID)
    counts.add_image(np.full((4, 4), VOID), np.zeros((4, 4), int))
    assert math.isnan(counts.mean_iou())
