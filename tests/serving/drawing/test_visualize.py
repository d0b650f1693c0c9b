"""Masks and overlays, by the value of their pixels."""

import numpy as np
import pytest
from PIL import Image

from common import palettes
from serving.drawing import visualize

PALETTE = ((0, 0, 0), (200, 10, 20), (30, 220, 40))
NAMES = ("background", "cat", "dog")


def overlay(image: np.ndarray, *how, **options) -> np.ndarray:
    painted = Image.fromarray(image)
    visualize.paint_overlay(painted, *how, **options)
    return np.asarray(painted)


def test_pascal_colormap_is_the_devkits():
    colormap = palettes.voc_palette(256)
    known = {1: (128, 0, 0), 2: (0, 128, 0), 15: (192, 128, 128), 20: (0, 64, 128)}
    for class_id, color in known.items():
        assert colormap[class_id] == color
    assert colormap[255] == visualize.VOID_COLOR


def test_mask_image_keeps_ids_and_shows_colors(tmp_path):
    ids = np.array([[0, 1, 2], [255, 2, 1]])
    visualize.mask_image(ids, PALETTE).save(tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), ids)
        colors = np.asarray(image.convert("RGB"))
    assert tuple(colors[0, 1]) == PALETTE[1]
    assert tuple(colors[1, 1]) == PALETTE[2]
    assert tuple(colors[1, 0]) == visualize.VOID_COLOR


@pytest.mark.parametrize("wrong_id", [-1, 256])
def test_mask_refuses_ids_that_do_not_fit(wrong_id):
    with pytest.raises(ValueError, match=rf"{wrong_id}.*8-bit mask holds 0 to 255"):
        visualize.mask_image(np.array([[0, wrong_id]]), PALETTE)


@pytest.mark.parametrize(
    ("palette", "message"),
    [
        ([(1, 2)], r"shape \(1, 2\); expected \[classes, 3\]"),
        ([(0, 0, 256)], "run from 0 to 256; expected 0 to 255"),
        (np.zeros([257, 3], int), "1 to 256 classes"),
    ],
)
def test_palette_is_checked(palette, message):
    with pytest.raises(ValueError, match=message):
        visualize.color_table(palette)


def test_class_shares_leave_out_ignored_pixels():
    ids = np.array([[1, 1, 1, 2], [255, 255, 255, 255]])
    np.testing.assert_allclose(visualize.class_shares(ids, 3), [0, 0.75, 0.25])
    np.testing.assert_array_equal(visualize.class_shares(np.full([2, 2], 255), 3), [0, 0, 0])


def test_overlay_blends_all_but_background():
    image = np.random.RandomState(0).randint(0, 256, [4, 3, 3], np.uint8)
    ids = np.array([[0, 1, 2]] * 4)
    painted = overlay(image, ids, PALETTE, NAMES, opacity=0.6, outlines=False)
    expected = image.astype(float)
    expected[:, 1:] = 0.4 * expected[:, 1:] + 0.6 * np.array(PALETTE)[1:]
    np.testing.assert_allclose(painted, expected, atol=1)
    np.testing.assert_array_equal(painted[:, 0], image[:, 0])


def test_overlay_knows_background_by_its_name_too():
    image = np.full([2, 2, 3], 100, np.uint8)
    ids = np.zeros([2, 2], int)
    palette = ((50, 60, 70), *PALETTE[1:])
    assert np.all(overlay(image, ids, palette, NAMES, 1.0) == image)
    assert np.all(overlay(image, ids, palette, ("sky", "cat", "dog"), 1.0) == palette[0])


def test_overlay_draws_white_lines_between_regions_only():
    image = np.zeros([20, 20, 3], np.uint8)
    ids = np.zeros([20, 20], int)
    ids[:, 10:] = 1
    painted = overlay(image, ids, PALETTE, NAMES, opacity=0.5)
    plain = overlay(image, ids, PALETTE, NAMES, opacity=0.5, outlines=False)
    assert painted[:, 10].min() > 230
    np.testing.assert_array_equal(painted[:, :6], plain[:, :6])
    np.testing.assert_array_equal(painted[:, 14:], plain[:, 14:])


@pytest.mark.parametrize(
    ("shape", "opacity", "message"),
    [((5, 4), 0.5, r"image is 4x5 \(height x width\) and its mask 5x4"), ((4, 5), 1.5, "1.5")],
)
def test_overlay_refuses_what_does_not_fit(shape, opacity, message):
    with pytest.raises(ValueError, match=message):
        overlay(np.zeros([4, 5, 3], np.uint8), np.zeros(shape, int), PALETTE, (), opacity)


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.0%"), (0.0001, "<0.1%"), (0.2345, "23.4%"), (1, "100.0%")]
)
def test_share_as_people_read_it(share, text):
    assert visualize.format_share(share) == text
