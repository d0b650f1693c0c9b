"""outlines: polygons of class ids, filled as pycocotools and Pillow do, are the class ids again."""

import cv2
import numpy as np
import pytest

from datasets.segmentation.annotations import shapes
from serving.labels import outlines

# A ring of 1 with a hole, in which a 2 has a hole of its own.
NESTED = np.array(
    [
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 1, 1, 1, 0],
        [0, 1, 2, 2, 2, 0, 1, 0],
        [0, 1, 2, 0, 2, 0, 1, 0],
        [0, 1, 2, 2, 2, 0, 1, 0],
        [0, 1, 1, 1, 1, 1, 1, 0],
    ],
    np.uint8,
)


def noise(seed: int) -> np.ndarray:
    """Returns small class ids: single pixels of noise, or smooth regions."""
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 40, 2)
    num_classes = random.integers(1, 6)
    values = random.normal(size=(num_classes, height, width)).astype(np.float32)
    if seed % 2:
        radius = float(random.uniform(0.5, 4))
        values = np.stack([cv2.GaussianBlur(each, (0, 0), radius) for each in values])
    return values.argmax(axis=0).astype(np.uint8)


def fill_as_coco(class_ids: np.ndarray) -> np.ndarray:
    """Fills the outlines; also checks that they do not overlap, and their areas."""
    filled = np.full(class_ids.shape, 255, np.uint8)
    for polygon in outlines.outlines(class_ids):
        ring = tuple(value for point in polygon.points for value in point)
        covered = shapes.CocoPolygons((ring,)).cover(class_ids.shape)
        assert covered.sum() == polygon.area
        assert (filled[covered] == 255).all()
        filled[covered] = polygon.class_id
    return filled


def fill_as_labelme(class_ids: np.ndarray, background: int | None) -> np.ndarray:
    filled = np.full(class_ids.shape, 255 if background is None else background, np.uint8)
    for polygon in outlines.filled_outlines(class_ids):
        if polygon.class_id != background or polygon.is_enclosed:
            points = (*polygon.points, *[polygon.points[-1]] * 2)
            filled[shapes.Polygon(points).cover(class_ids.shape)] = polygon.class_id
    return filled


@pytest.mark.parametrize("seed", range(40))
def test_filled_outlines_are_the_class_ids(seed):
    class_ids = noise(seed)
    np.testing.assert_array_equal(fill_as_coco(class_ids), class_ids)
    np.testing.assert_array_equal(fill_as_labelme(class_ids, None), class_ids)
    np.testing.assert_array_equal(fill_as_labelme(class_ids, 0), class_ids)


def test_holes_are_cut_out_and_what_is_in_them_has_its_own_polygon():
    np.testing.assert_array_equal(fill_as_coco(NESTED), NESTED)
    np.testing.assert_array_equal(fill_as_labelme(NESTED, 0), NESTED)
    polygons = outlines.outlines(NESTED)
    assert sorted((each.class_id, each.area) for each in polygons) == [
        (0, 1),
        (0, 3),
        (0, 18),
        (1, 18),
        (2, 8),
    ]
    filled = outlines.filled_outlines(NESTED)
    # Nothing surrounds what reaches the border of the image; the largest comes first.
    assert [(each.class_id, each.area, each.is_enclosed) for each in filled] == [
        (1, 30, False),
        (0, 18, False),
        (2, 9, True),
        (0, 3, True),
        (0, 1, True),
    ]


def test_background_between_regions_is_not_enclosed_by_any():
    class_ids = np.ones((5, 6), np.uint8)
    class_ids[:, 3:] = 2
    class_ids[2, 2:4] = 0
    enclosed = {each.class_id: each.is_enclosed for each in outlines.filled_outlines(class_ids)}
    assert enclosed == {0: False, 1: False, 2: False}
    np.testing.assert_array_equal(fill_as_labelme(class_ids, 0), class_ids)


def test_pixels_that_touch_at_a_corner_are_regions_of_their_own():
    polygons = outlines.outlines(np.eye(3, dtype=np.uint8))
    assert [each.area for each in polygons if each.class_id == 1] == [1, 1, 1]


def test_with_a_tolerance_rings_have_few_points_and_nearly_the_same_pixels():
    y, x = np.mgrid[:120, :160]
    distance = np.hypot(x - 80, y - 60)
    class_ids = ((distance < 50) & (distance > 20)).astype(np.uint8)
    class_ids[5, 5] = class_ids[8, 5:9] = 2
    for make in (outlines.outlines, outlines.filled_outlines):
        exact, rough = make(class_ids), make(class_ids, 1.0)
        assert sum(len(p.points) for p in rough) < sum(len(p.points) for p in exact) / 4
        assert [(p.class_id, p.area) for p in rough] == [(p.class_id, p.area) for p in exact]
        # Small regions keep every point.
        assert [p.points for p in rough if p.class_id == 2] == [
            p.points for p in exact if p.class_id == 2
        ]
        filled = np.zeros(class_ids.shape, np.uint8)
        for polygon in sorted(rough, key=lambda polygon: -polygon.area):
            if make is outlines.outlines:
                ring = tuple(value for point in polygon.points for value in point)
                covered = shapes.CocoPolygons((ring,)).cover(class_ids.shape)
            else:
                points = (*polygon.points, *[polygon.points[-1]] * 2)
                covered = shapes.Polygon(points).cover(class_ids.shape)
            filled[covered] = polygon.class_id
        assert 0.99 < (filled == class_ids).mean() < 1


def test_points_are_corners_only():
    class_ids = np.zeros((20, 30), np.uint8)
    class_ids[5:15, 4:24] = 1
    (square,) = (each for each in outlines.outlines(class_ids) if each.class_id == 1)
    assert square.points == [(4, 5), (24, 5), (24, 15), (4, 15)]
    (square,) = (each for each in outlines.filled_outlines(class_ids) if each.class_id == 1)
    assert sorted(square.points) == [(4, 5), (4, 14), (23, 5), (23, 14)]
