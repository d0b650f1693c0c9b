"""annotations.label_studio_results: regions of results in percent."""

import numpy as np
import pytest

from datasets.segmentation.annotations import label_studio_results
from tests.support.tool_exports import pack_brush

SIZE = (10, 20)


def result(kind: str, more=None, **value):
    return {
        "type": kind,
        "original_width": SIZE[1],
        "original_height": SIZE[0],
        "value": value,
        **(more or {}),
    }


def cover(*results) -> np.ndarray:
    (region,) = label_studio_results.parse(results).regions
    return region.shape.cover(SIZE)


def box(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    covered = np.zeros(SIZE, bool)
    covered[top:bottom, left:right] = True
    return covered


def test_percent_become_pixels():
    points = [[10, 20], [50, 20], [50, 80], [10, 80]]
    found = label_studio_results.parse(
        [result("polygonlabels", points=points, polygonlabels=["a"])]
    )
    assert found.size == SIZE
    assert [region.label for region in found.regions] == ["a"]
    np.testing.assert_array_equal(found.regions[0].shape.cover(SIZE), box(2, 2, 8, 10))


def test_a_rectangle_turns_about_its_upper_left_corner():
    corner = {"x": 50, "y": 20, "width": 30, "height": 20, "rectanglelabels": ["a"]}
    np.testing.assert_array_equal(cover(result("rectanglelabels", **corner)), box(2, 10, 4, 16))
    turned = cover(result("rectanglelabels", **corner, rotation=90))
    np.testing.assert_array_equal(turned, box(2, 8, 8, 10))


def test_an_ellipse_covers_the_pixels_whose_centers_it_holds():
    ellipse = {"x": 50, "y": 50, "radiusX": 20, "radiusY": 20, "ellipselabels": ["a"]}
    covered = cover(result("ellipselabels", **ellipse))
    np.testing.assert_array_equal(covered, covered[::-1])
    np.testing.assert_array_equal(covered, covered[:, ::-1])
    assert covered[5].sum() == 8
    assert covered[:, 10].sum() == 4
    turned = cover(result("ellipselabels", **ellipse, rotation=90))
    assert turned[5].sum() == 4
    assert turned[:, 10].sum() == 8


def test_a_brush_stroke_and_a_label_of_its_own_result():
    pixels = box(1, 1, 4, 4)
    brush = {"format": "rle", "rle": list(pack_brush(pixels.astype(np.uint8) * 255))}
    np.testing.assert_array_equal(cover(result("brushlabels", **brush, brushlabels=["a"])), pixels)
    same = {"id": "x"}
    region = result("brush", same, **brush), result("labels", same, **brush, labels=["b"])
    (found,) = label_studio_results.parse(region).regions
    assert found.label == "b"
    np.testing.assert_array_equal(found.shape.cover(SIZE), pixels)


def test_what_has_no_area_or_no_label_is_left_out():
    found = label_studio_results.parse(
        [
            result("keypointlabels", x=1, y=2, keypointlabels=["a"]),
            result("rectangle", x=1, y=2, width=3, height=4),
            result("choices", choices=["good"]),
            "nonsense",
        ]
    )
    assert found.left_out == ["keypointlabels", "rectangle without a label"]
    assert not found.regions


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (result("polygonlabels", points=[[1, 2], [3]], polygonlabels=["a"]), "cannot be read"),
        (result("polygonlabels", points=[[1, "2"]], polygonlabels=["a"]), "'2' is not a number"),
        (result("polygonlabels", points=[[1, 2]], polygonlabels=["a"]), "has 2 numbers"),
        (result("brushlabels", rle=[1, 256], brushlabels=["a"]), "a brush cannot be read"),
        (result("brushlabels", rle=10**12, brushlabels=["a"]), "a brush cannot be read"),
        (result("rectanglelabels", width=1, height=1, rectanglelabels=["a"]), "has no 'x'"),
        (
            result("rectanglelabels", {"image_rotation": 90}, width=1, height=1, labels=["a"]),
            "turned by 90 degrees in Label Studio",
        ),
        (
            result("polygonlabels", {"original_width": None}, points=[[1, 2]], labels=["a"]),
            "original_width and original_height are not sizes",
        ),
    ],
)
def test_a_broken_result_says_what_is_wrong(broken, message):
    with pytest.raises(ValueError, match=message):
        cover(broken)
