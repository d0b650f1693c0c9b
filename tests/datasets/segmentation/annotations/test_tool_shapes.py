"""annotations.tool_shapes: what CVAT, Label Studio and Supervisely write down."""

import base64
import io
import zlib

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation.annotations import tool_shapes
from datasets.segmentation.annotations.tool_shapes import (
    BoxRuns,
    BrushRuns,
    EncodedBitmap,
    PolygonWithHoles,
    RoundedEllipse,
    Unreadable,
)
from tests.support.tool_exports import pack_brush

SIZE = (6, 8)


def encode_png(image: Image.Image, **options) -> str:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return base64.b64encode(zlib.compress(file.getvalue())).decode()


def test_runs_of_a_box_go_along_its_rows():
    covered = BoxRuns("1, 2, 2, 1", left=2, top=3, box_size=(2, 3)).cover(SIZE)
    expected = np.zeros(SIZE, bool)
    expected[3, 3:5] = expected[4, 4] = True
    np.testing.assert_array_equal(covered, expected)


def test_what_lies_outside_the_image_is_cut():
    covered = BoxRuns("0,6", left=6, top=-1, box_size=(2, 3)).cover(SIZE)
    assert np.argwhere(covered).tolist() == [[0, 6], [0, 7]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2", r"do not fill its box of 3x2 \(width x height\)"),
        ("8,-2", "do not fill its box"),
        ("1,x", "are not numbers"),
        ("", "are not numbers"),
        ("9999999999999999999999", "are not numbers"),
        ("9223372036854775807,9223372036854775807,8", "do not fill its box"),
    ],
)
def test_runs_that_do_not_fit_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        BoxRuns(text, 0, 0, (2, 3)).cover(SIZE)


def test_a_polygon_loses_its_holes_with_their_outline():
    square = ((0, 0), (5, 0), (5, 5), (0, 5))
    hole = ((2, 2), (4, 2), (4, 4), (2, 4))
    covered = PolygonWithHoles(square, (hole, ())).cover(SIZE)
    expected = np.zeros(SIZE, bool)
    expected[:6, :6] = True
    expected[2:5, 2:5] = False
    np.testing.assert_array_equal(covered, expected)
    with pytest.raises(ValueError, match="a polygon has 2 points; expected 3 or more"):
        PolygonWithHoles(square[:2]).cover(SIZE)
    with pytest.raises(ValueError, match=r"the coordinate 1e\+12, which is far from the image"):
        PolygonWithHoles((*square, (1e12, 0))).cover(SIZE)


def test_an_ellipse_has_whole_pixels_and_turns_clockwise():
    flat = RoundedEllipse((3.6, 3.4), (3.0, 1.0)).cover((7, 9))
    assert np.flatnonzero(flat[3]).tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert flat[:, 4].sum() == 3
    quarter = RoundedEllipse((3.6, 3.4), (3.0, 1.0), degrees=90).cover((7, 9))
    assert np.flatnonzero(quarter[:, 4]).tolist() == [0, 1, 2, 3, 4, 5, 6]
    turned = RoundedEllipse((4, 3), (4.0, 0.0), degrees=45).cover((7, 9))
    assert turned[[5, 1], [6, 2]].all()
    assert not turned[1, 6]


def test_a_brush_stroke_is_its_alpha():
    alpha = np.zeros(SIZE, np.uint8)
    alpha[1:4, 2:7] = 255
    alpha[4, 2:7] = (10, 127, 128, 200, 1)
    data = pack_brush(alpha)
    np.testing.assert_array_equal(BrushRuns(data).cover(SIZE), alpha >= 128)
    with pytest.raises(ValueError, match=r"of 48 pixels for an image of 7x8 \(width x height\)"):
        BrushRuns(data).cover((8, 7))


def test_a_brush_stroke_has_runs_and_lists_of_values():
    # What Label Studio makes of these values.
    data = bytes([0, 0, 0, 18, 57, 27, 252, 96, 32, 1, 0, 6, 0, 40, 0, 192, 3, 128, 17, 56, 32])
    values = [1, 1, 1, 1, 2, 3, 5, 6, 7, 8, *[4] * 8]
    assert tool_shapes._unpack(data, 18).tolist() == values
    with pytest.raises(ValueError, match="is cut off"):
        tool_shapes._unpack(data[:-3], 18)
    with pytest.raises(ValueError, match="has more values than its image"):
        tool_shapes._unpack(data, 12)
    with pytest.raises(ValueError, match="values that are not bytes"):
        tool_shapes._unpack(bytes([0, 0, 0, 18, 255, 255]), 18)


@pytest.mark.parametrize("mode", ["RGBA", "1", "P"])
def test_a_bitmap_is_a_png_with_or_without_alpha(mode):
    pixels = np.array([[True, False], [True, True]])
    if mode == "RGBA":
        image = Image.fromarray(np.uint8(pixels[..., None] * np.array([0, 0, 0, 255])), "RGBA")
        text = encode_png(image)
    elif mode == "1":
        text = encode_png(Image.fromarray(pixels))
    else:
        image = Image.fromarray(pixels.astype(np.uint8), "P")
        image.putpalette([0, 0, 0, 255, 255, 255])
        text = encode_png(image, transparency=0)
    covered = EncodedBitmap(text, left=3, top=2).cover(SIZE)
    expected = np.zeros(SIZE, bool)
    expected[2:4, 3:5] = pixels
    np.testing.assert_array_equal(covered, expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "its bitmap is damaged"),
        (base64.b64encode(b"no zlib").decode(), "its bitmap is damaged"),
        (base64.b64encode(zlib.compress(b"no image")).decode(), "its bitmap is damaged"),
        (base64.b64encode(zlib.compress(bytes(10**7))).decode(), "its bitmap is damaged"),
        (encode_png(Image.new("1", (9, 2))), r"a bitmap of 9x2 in an image of 8x6"),
    ],
)
def test_bitmaps_that_are_damaged_or_too_large_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        EncodedBitmap(text, 0, 0).cover(SIZE)


def test_what_is_no_shape_says_why():
    with pytest.raises(ValueError, match="no points"):
        Unreadable("it has no points.").cover(SIZE)
