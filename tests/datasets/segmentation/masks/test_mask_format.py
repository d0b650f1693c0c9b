"""datasets.segmentation.masks.mask_format: mask files of every kind become class ids."""

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.segmentation.masks.mask_format import MaskFormat
from datasets.segmentation.masks.raw_mask import read_raw_mask
from tests.support.sample_images import save, save_palette_mask

IDS = (np.arange(24 * 40).reshape(24, 40) % 5).astype(np.uint8)
COLORS = {(0, 0, 0): 0, (255, 0, 0): 1, (0, 255, 0): 2, (0, 0, 255): 3, (9, 8, 7): 4}


def read_mask(path, **options) -> np.ndarray:
    return MaskFormat(**options).decode(read_raw_mask(str(path)))


def painted(ids: np.ndarray) -> np.ndarray:
    return np.array(list(COLORS), np.uint8)[ids]


@pytest.mark.parametrize("file_name", ["a.png", "a.bmp", "a.tif", "a.gif"])
def test_gray_masks_are_ids(tmp_path, file_name):
    ids = read_mask(save(tmp_path / file_name, IDS))
    np.testing.assert_array_equal(ids, IDS)
    assert ids.dtype == np.uint8


def test_palette_masks_are_indices(tmp_path):
    path = save_palette_mask(tmp_path / "a.png", IDS, list(COLORS)[::-1])
    np.testing.assert_array_equal(read_mask(path), IDS)
    np.testing.assert_array_equal(read_mask(path, colors=COLORS), IDS)
    raw = read_raw_mask(path)
    np.testing.assert_array_equal(raw.palette[:5], np.array(list(COLORS), np.uint8)[::-1])


def test_one_bit_masks_are_0_and_1(tmp_path):
    path = save(tmp_path / "a.png", Image.fromarray(IDS > 2))
    np.testing.assert_array_equal(read_mask(path), (IDS > 2).astype(np.uint8))


def test_sixteen_bit_masks_with_small_ids_are_read(tmp_path):
    path = str(tmp_path / "a.png")
    cv2.imwrite(path, IDS.astype(np.uint16))
    np.testing.assert_array_equal(read_mask(path), IDS)


def test_sixteen_bit_masks_with_large_ids_are_refused(tmp_path):
    path = str(tmp_path / "a.png")
    cv2.imwrite(path, IDS.astype(np.uint16) * 1000)
    with pytest.raises(ValueError, match=r"a\.png: ids 1000, 2000, 3000, 4000 do not fit"):
        read_mask(path)


def test_rgb_masks_are_looked_up(tmp_path):
    path = save(tmp_path / "a.png", painted(IDS))
    np.testing.assert_array_equal(read_mask(path, colors=COLORS), IDS)
    path = save(tmp_path / "b.png", np.dstack([painted(IDS), np.full_like(IDS, 255)]))
    np.testing.assert_array_equal(read_mask(path, colors=COLORS), IDS)


def test_unknown_colors_are_named_most_frequent_first(tmp_path):
    rgb = painted(IDS)
    rgb[0, :3] = (1, 2, 3)
    rgb[1, 0] = (250, 0, 0)
    path = save(tmp_path / "a.png", rgb)
    with pytest.raises(
        ValueError, match=r"a\.png: 4 pixels have colors .*: \(1, 2, 3\), \(250, 0, 0\)\. "
    ):
        read_mask(path, colors=COLORS)


def test_rgb_masks_without_a_class_file_are_explained(tmp_path):
    path = save(tmp_path / "a.png", painted(IDS))
    with pytest.raises(ValueError, match=r"RGB mask .*\(0, 0, 0\), .*classes\.json"):
        read_mask(path)


def test_gray_ids_in_three_channels_are_ids(tmp_path):
    path = save(tmp_path / "a.png", np.dstack([IDS] * 3))
    np.testing.assert_array_equal(read_mask(path), IDS)


def test_id_map_changes_the_ids_it_names_only(tmp_path):
    path = save(tmp_path / "a.png", IDS)
    expected = np.where(IDS == 4, 255, np.where(IDS == 1, 0, IDS))
    np.testing.assert_array_equal(read_mask(path, id_map={4: 255, 1: 0}), expected)


def test_jpeg_masks_are_refused(tmp_path):
    path = save(tmp_path / "a.png", IDS, format="JPEG")
    with pytest.raises(ValueError, match=r"a\.png: a mask saved as JPEG"):
        read_mask(path)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_masks_are_refused(tmp_path, mode):
    image = Image.fromarray(IDS).convert(mode)
    image.putalpha(Image.fromarray(IDS * 50))
    path = save(tmp_path / "a.png", image)
    with pytest.raises(ValueError, match=r"a\.png: mask with transparent pixels"):
        read_mask(path)
