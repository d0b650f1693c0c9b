"""masks.blending: smooth masks are told from sharp ones, whatever their classes."""

import io
import pathlib

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.segmentation.masks import blending
from datasets.segmentation.masks.blending import BORDERS, RAMP, RIM


def draw(seed: int, values, size=(150, 200)) -> np.ndarray:
    """Draws discs and boxes of the values but the first one, which is the background."""
    rng = np.random.default_rng(seed)
    mask = np.full(size, values[0], np.uint8)
    for value in values[1:]:
        for _ in range(2):
            center = rng.integers((20, 20), (size[1] - 20, size[0] - 20)).tolist()
            cv2.circle(mask, center, int(rng.integers(8, 25)), value, -1)
            left, top = rng.integers((0, 0), (size[1] - 40, size[0] - 40)).tolist()
            mask[top : top + 20, left : left + 30] = value
    return mask


def judge(masks) -> blending.Blending | None:
    ramps = blending.NOTHING
    for mask in masks:
        ramps += blending.find_ramps(mask)
    return blending.judge(ramps)


def resized(mask: np.ndarray, factor: float, method: Image.Resampling) -> np.ndarray:
    size = [int(side * factor) for side in mask.shape[::-1]]
    return np.array(Image.fromarray(mask).resize(size, method))


def as_jpeg(mask: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer))


SMOOTHERS = {
    "enlarged": lambda mask: resized(mask, 3, Image.Resampling.BILINEAR),
    "reduced": lambda mask: resized(mask, 0.4, Image.Resampling.BILINEAR),
    "cubic": lambda mask: resized(mask, 1.5, Image.Resampling.BICUBIC),
    "lanczos": lambda mask: resized(mask, 0.6, Image.Resampling.LANCZOS),
    "blurred": lambda mask: cv2.GaussianBlur(mask, (0, 0), 1.5),
}


@pytest.mark.parametrize("smooth", SMOOTHERS.values(), ids=SMOOTHERS.keys())
@pytest.mark.parametrize("values", [(0, 255), (0, 100, 200), (0, 85, 170, 255)])
def test_values_that_lie_apart(values, smooth):
    sharp = [draw(seed, values) for seed in range(5)]
    assert judge(sharp) is None
    found = judge([smooth(mask) for mask in sharp])
    assert found.kind == RAMP
    assert set(values) & set(found.ids) == set()


@pytest.mark.parametrize("quality", [95, 90, 75, 30])
@pytest.mark.parametrize("values", [(0, 255), (0, 100, 200)])
def test_masks_that_were_jpeg_once(values, quality):
    found = judge([as_jpeg(draw(seed, values), quality) for seed in range(5)])
    assert found.kind == RAMP
    assert 0 in found.regions


@pytest.mark.parametrize(("high", "rims"), [(2, (1,)), (3, (1, 2)), (5, (1, 2, 3, 4))])
def test_ids_that_are_rims_only(high, rims):
    sharp = [draw(seed, (0, high)) for seed in range(5)]
    assert judge(sharp) is None
    found = judge([SMOOTHERS["enlarged"](mask) for mask in sharp])
    assert (found.kind, found.ids, found.regions) == (RIM, rims, (0, high))


def test_masks_of_0_and_1_that_were_jpeg_once():
    found = judge([as_jpeg(draw(seed, [0, 1]), 90) for seed in range(6)])
    assert found == blending.Blending(blending.SPECKS, (2,), (0, 1))


def test_ids_that_have_regions_as_well():
    sharp = [draw(seed, (0, 1, 2, 3)) for seed in range(5)]
    assert judge(sharp) is None
    found = judge([SMOOTHERS["enlarged"](mask) for mask in sharp])
    assert (found.kind, found.ids) == (BORDERS, (1, 2))


def test_photographs_are_no_masks():
    rows, columns = np.mgrid[:200, :300]
    photo = (80 + rows // 4 + columns // 4 + 20 * np.sin(columns / 9)).astype(np.uint8)
    assert judge([photo]).kind == RAMP


def test_thin_objects_are_no_rims():
    masks = []
    for seed in range(5):
        mask = draw(seed, (0, 4), (150, 200))
        for column in range(10, 200, 20):  # Poles, of an id between those of what is behind them.
            cv2.line(mask, (column, 20), (column + seed, 140), 2, 1 + column % 3)
        masks.append(mask)
    assert judge(masks) is None


@pytest.mark.parametrize("num_classes", [3, 21, 150])
def test_noise_and_tiny_patches_are_no_blends(num_classes):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, num_classes, (40, 60), np.uint8) for _ in range(9)]
    assert judge(noise) is None
    assert judge([np.kron(mask, np.ones((3, 3), np.uint8)) for mask in noise]) is None


def test_many_classes_of_very_different_sizes_are_no_blends():
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, 151) ** 1.3
    rows, columns = np.mgrid[:64, :64]
    masks = []
    for _ in range(20):
        points = rng.uniform(0, 64, (80, 2))
        ids = rng.choice(150, 80, p=share / share.sum()) + 1
        distance = (rows[..., None] - points[:, 0]) ** 2 + (columns[..., None] - points[:, 1]) ** 2
        masks.append(ids[distance.argmin(-1)].astype(np.uint8))
    assert judge(masks) is None


def test_camvid(shared):
    paths = sorted(pathlib.Path(shared, "camvid", "val", "labels").glob("*.png"))
    masks = [np.array(Image.open(path)) for path in paths[:40]]
    assert judge(masks) is None
    assert judge([mask[::8, ::8] for mask in masks]) is None
    found = judge([SMOOTHERS["reduced"](mask) for mask in masks])
    assert found.kind == RAMP
