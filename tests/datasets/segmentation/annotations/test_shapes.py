"""annotations.shapes: the pixels that each shape covers."""

import numpy as np
import pytest

from datasets.segmentation.annotations import shapes

SIZE = (8, 10)


def drawn(shape: shapes.Shape, size: shapes.Size = SIZE) -> list[str]:
    covered = shape.cover(size)
    assert (covered.dtype, covered.shape) == (np.dtype(bool), size)
    return ["".join(" #"[each] for each in row).rstrip() for row in covered.astype(int)]


def test_a_polygon_of_labelme_has_its_outline():
    triangle = shapes.Polygon(((1, 1), (5, 1), (1, 5)))
    assert drawn(triangle) == ["", " #####", " ####", " ###", " ##", " #", "", ""]


def test_a_polygon_of_coco_is_half_open():
    square = shapes.CocoPolygons(((1, 1, 5, 1, 5, 4, 1, 4),))
    assert drawn(square) == ["", " ####", " ####", " ####", "", "", "", ""]
    two = shapes.CocoPolygons(((0, 0, 2, 0, 2, 2, 0, 2), (4, 4, 6, 4, 6, 6, 4, 6)))
    assert drawn(two) == ["##", "##", "", "", "    ##", "    ##", "", ""]


def test_both_corners_belong_to_a_rectangle_whichever_comes_first():
    expected = ["", "", "  ###", "  ###", "", "", "", ""]
    assert drawn(shapes.Rectangle(((2, 2), (4, 3)))) == expected
    assert drawn(shapes.Rectangle(((4, 3), (2, 2)))) == expected
    assert drawn(shapes.Rectangle(((4, 2), (2, 3)))) == expected


def test_circles_and_ellipses_lie_about_their_centers():
    circle = shapes.Circle((4, 4), 2).cover(SIZE)
    assert circle[4, 2:7].all()
    assert circle[2:7, 4].all()
    assert not circle[2, 2]
    assert circle.sum() == circle[:, ::-1][:, 1:].sum()
    flat = shapes.Ellipse((4.5, 3.5), (4, 1)).cover(SIZE)
    turned = shapes.Ellipse((4.5, 3.5), (1, 3), degrees=90).cover(SIZE)
    assert flat[3].sum() > 6 > flat[:, 4].sum()
    assert turned[3].sum() == 6
    assert turned[:, 4].sum() == 2


def test_a_line_is_as_thick_as_it_says():
    assert drawn(shapes.Line(((0, 3), (9, 3)), width=3))[2:5] == ["##########"] * 3


def test_run_lengths_go_down_the_columns_and_begin_outside():
    runs = shapes.CocoRuns((2, 3, 1, 6), (4, 3))
    assert drawn(runs, (4, 3)) == [" ##", "  #", "###", "###"]
    assert drawn(shapes.CocoRuns((0, 12), (4, 3)), (4, 3)) == ["###"] * 4


def test_short_run_lengths_are_those_of_pycocotools():
    from pycocotools import mask as coco_mask

    pixels = np.random.default_rng(0).random(SIZE) < 0.4
    counts = coco_mask.encode(np.asfortranarray(pixels.astype(np.uint8)))["counts"].decode()
    np.testing.assert_array_equal(shapes.CocoRuns(counts, SIZE).cover(SIZE), pixels)


def test_what_lies_outside_the_image_is_cut():
    pixels = np.ones((4, 4), bool)
    assert drawn(shapes.Bitmap(pixels, left=-2, top=6)) == ["", "", "", "", "", "", "##", "##"]
    assert not shapes.Bitmap(pixels, left=30).cover(SIZE).any()
    assert drawn(shapes.Rectangle(((-5, -5), (20, 0)))) == ["##########", *[""] * 7]
    assert shapes.CocoPolygons(((-5, -5, 30, -5, 30, 30, -5, 30),)).cover(SIZE).all()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (shapes.Polygon(((1, 1), (2, 2))), "a polygon has 2 points; expected 3 or more"),
        (shapes.Line(((1, 1),), 3), "a line has 1 points; expected 2 or more"),
        (shapes.CocoPolygons(((1, 1, 2, 2),)), "a polygon has 4 numbers; expected x and y of 3"),
        (shapes.CocoPolygons(((1, 1, 2, 2, 3, 3, 4),)), "a polygon has 7 numbers"),
        (shapes.CocoRuns((80,), (10, 8)), r"image of 8x10 \(width x height\), which has 10x8"),
        (shapes.CocoRuns((3, 4), SIZE), "run lengths of 7 pixels for an image of 10x8"),
        (shapes.CocoRuns((90, -10), SIZE), "run lengths of 80 pixels"),
    ],
)
def test_impossible_shapes_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        shape.cover(SIZE)


@pytest.mark.parametrize(
    "shape",
    [
        shapes.Polygon(((0, 0), (1e9, 0), (0, 1))),
        shapes.Rectangle(((0, 0), (1, -1e9))),
        shapes.Circle((0, 0), 1e9),
        shapes.Line(((0, 0), (float("nan"), 1)), 1),
        shapes.CocoPolygons(((0, 0, 1e18, 0, 0, 1),)),
    ],
)
def test_what_lies_far_from_its_image_is_refused(shape):
    with pytest.raises(ValueError, match="which is far from the image"):
        shape.cover((6, 8))
