"""sources of published street scenes and things: kitti and coco_stuff."""

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import sources
from datasets.segmentation.sources import coco_stuff, kitti
from tests.support.sample_images import save, smooth_rgb


def names_of(source) -> dict[str, list[str]]:
    return {split: [sample.name for sample in samples] for split, samples in source.splits.items()}


def mask_of(source, split="train", index=0) -> np.ndarray:
    return source.read_mask(source.splits[split][index])


# --- kitti


def save_kitti(root, kind: str, mask, names=("000000_10", "000001_10")) -> None:
    for name in names:
        save(root / "training" / "image_2" / f"{name}.png", smooth_rgb(*np.shape(mask)[:2]))
        save(root / "training" / kind / f"{name}.png", mask)


def test_kitti_has_the_classes_of_cityscapes(tmp_path):
    save_kitti(tmp_path, "semantic", np.array([[0, 7, 26, 33]], np.uint8))
    save(tmp_path / "testing" / "image_2" / "000000_10.png", smooth_rgb(1, 4))
    assert sources.find_source(str(tmp_path)) == "kitti"
    source = sources.open_source("kitti", str(tmp_path), val_fraction=0.5)
    assert {split: len(found) for split, found in source.splits.items()} == {"train": 1, "val": 1}
    assert source.class_names[13] == "car"
    np.testing.assert_array_equal(mask_of(source), [[255, 0, 13, 18]])


def test_kitti_of_instances_and_of_colors(tmp_path):
    instances = np.array([[26 * 256 + 3, 7 * 256, 0, 33 * 256 + 255]], np.uint16)
    save_kitti(tmp_path / "a", "instance", Image.fromarray(instances))
    source = kitti.open_source(str(tmp_path / "a"))
    np.testing.assert_array_equal(mask_of(source), [[13, 0, 255, 18]])
    colors = np.array([[(0, 0, 142), (128, 64, 128), (0, 0, 0), (111, 74, 0)]], np.uint8)
    save_kitti(tmp_path / "b" / "kitti", "semantic_rgb", colors)
    source = kitti.open_source(str(tmp_path / "b"))
    np.testing.assert_array_equal(mask_of(source), [[13, 0, 255, 255]])


def test_kitti_of_another_layout_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds nothing; expected KITTI with training/image_2"):
        kitti.open_source(str(tmp_path))


def test_kitti_itself(samples):
    source = kitti.open_source(str(samples / "kitti"))
    by_name = {sample.name: sample for each in source.splits.values() for sample in each}
    # Of the values 768, 6913 and 6914 the first is label 3, out of the region of interest.
    ids = np.unique(source.read_mask(by_name["000030_10"]))
    np.testing.assert_array_equal(ids, [14, 255])


# --- coco_stuff


def test_coco_stuff_counts_without_gaps():
    assert len(coco_stuff.LABELS) == 182
    assert len(set(coco_stuff.CLASS_NAMES)) == len(coco_stuff.PALETTE) == 171
    assert coco_stuff.CLASS_NAMES[79:81] == ("toothbrush", "banner")
    # Ids of the authors' labels.txt.
    ids = {"person": 1, "stop sign": 13, "toothbrush": 90, "banner": 92, "tree": 169, "wood": 182}
    assert all(coco_stuff.LABELS[number - 1] == name for name, number in ids.items())


@pytest.mark.parametrize("images", ["images", ""])
@pytest.mark.parametrize("masks", ["stuffthingmaps", "annotations"])
def test_coco_stuff_pixel_maps(tmp_path, images, masks):
    for split in ("train2017", "val2017"):
        save(tmp_path / images / split / "000000000009.jpg", smooth_rgb(1, 5))
        save(
            tmp_path / masks / split / "000000000009.png",
            np.array([[0, 11, 12, 181, 255]], np.uint8),
        )
    assert sources.find_source(str(tmp_path)) == "coco_stuff"
    source = sources.open_source("coco_stuff", str(tmp_path))
    assert names_of(source) == {"train": ["000000000009"], "val": ["000000000009"]}
    np.testing.assert_array_equal(mask_of(source), [[0, 255, 11, 170, 255]])
    assert source.class_names[11] == "stop sign"


def test_coco_stuff_of_another_layout_is_named(tmp_path):
    save(tmp_path / "train2017" / "a.jpg", smooth_rgb(1, 5))
    with pytest.raises(ValueError, match="holds train2017; expected COCO-Stuff"):
        coco_stuff.open_source(str(tmp_path))
