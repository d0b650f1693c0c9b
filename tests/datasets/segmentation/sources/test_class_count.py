"""sources.class_count: classes are counted, and ids that are none are explained."""

import cv2
import numpy as np
import pytest

from datasets.segmentation.sources import class_count
from datasets.segmentation.sources.source import Sample
from tests.support.sample_images import save


def make_samples(folder, masks) -> list[Sample]:
    return [
        Sample(f"m{i}", f"m{i}.jpg", save(folder / f"m{i}.png", mask))
        for i, mask in enumerate(masks)
    ]


def disc(value: int) -> np.ndarray:
    return cv2.circle(np.zeros((90, 120), np.uint8), (50, 40), 25, value, -1)


def test_smooth_masks_are_no_classes(tmp_path):
    samples = make_samples(tmp_path, [cv2.GaussianBlur(disc(255), (0, 0), 2)] * 3)
    with pytest.raises(ValueError, match=r"occur only in ramps along borders between 0, 255, so"):
        class_count.count_classes(samples, "data")


def test_rims_are_no_classes_unless_they_are_named(tmp_path):
    rim = cv2.circle(disc(2), (50, 40), 25, 1, 1)
    with pytest.raises(ValueError, match=r"ids 1 occur only in thin rims .*classes\.json"):
        class_count.count_classes(make_samples(tmp_path, [rim] * 3), "data")


def test_values_that_lie_apart_get_the_flag(tmp_path):
    samples = make_samples(tmp_path, [disc(100), disc(200)])
    with pytest.raises(ValueError, match=r"ids 0, 100, 200, .*--mask_values=0:0,100:1,200:2 "):
        class_count.count_classes(samples, "data")


def test_classes_of_mapped_values(tmp_path):
    samples = make_samples(tmp_path, [disc(255)])
    classes = class_count.count_classes(samples, "data", {0: 0, 128: 255, 255: 1})
    assert classes.names == ("class_0", "class_1")
    with pytest.raises(ValueError, match="has the ids 0, 2, but not 1"):
        class_count.count_classes(samples, "data", {0: 0, 255: 2})


def test_masks_that_hold_no_ids_are_passed_over(tmp_path):
    samples = make_samples(tmp_path, [disc(3), (disc(1) + 700.0).astype(np.uint16)])
    cv2.imwrite(str(tmp_path / "lossy.jpg"), disc(255))
    samples.append(Sample("lossy", "", str(tmp_path / "lossy.jpg")))
    samples.append(Sample("other", "", save(tmp_path / "other.png", disc(1))))
    assert len(class_count.count_classes(samples, "data").names) == 4
