"""sources.bdd100k: masks, run lengths, polygons and bitmasks."""

import numpy as np
import pytest

from datasets.segmentation import sources
from datasets.segmentation.sources import bdd100k, cityscapes
from tests.support.sample_images import save, smooth_rgb, write, write_json

IDS = np.array([[0, 18, 255, 13]], np.uint8)


def save_images(root, *names, split="train") -> None:
    for name in names:
        save(root / "images" / "10k" / split / f"{name}.jpg", smooth_rgb(*IDS.shape))


def mask_of(source, split="train") -> np.ndarray:
    return source.read_mask(source.splits[split][0])


def test_categories_become_the_train_ids_of_cityscapes():
    # From the label table of the dataset's tools.
    table = {
        "road": 7, "sidewalk": 8, "building": 10, "wall": 15, "fence": 11, "pole": 20,
        "traffic light": 25, "traffic sign": 26, "vegetation": 29, "terrain": 28, "sky": 30,
        "person": 31, "rider": 32, "car": 35, "truck": 40, "bus": 34, "train": 39,
        "motorcycle": 37, "bicycle": 33,
    }  # fmt: skip
    assert tuple(table) == cityscapes.CLASS_NAMES
    assert tuple(table.values()) == bdd100k.CATEGORIES


@pytest.mark.parametrize("upper", ["", "bdd100k"])
def test_masks_of_train_ids(tmp_path, upper):
    root = tmp_path / upper
    for split in ("train", "val"):
        save_images(root, "0a-1", split=split)
        save(root / "labels/sem_seg/masks" / split / "0a-1.png", IDS)
    save_images(root, "0a-2", split="test")
    assert sources.find_source(str(root)) == "bdd100k"
    source = sources.open_source("bdd100k", str(tmp_path))
    assert [*source.splits] == ["train", "val"]
    assert [each.kind for each in source.problems] == ["split"]
    np.testing.assert_array_equal(mask_of(source), IDS)
    assert source.class_names[18] == "bicycle"


def test_the_older_layout(tmp_path):
    for name in ("0a-1", "0b-2"):
        save(tmp_path / "seg/images/train" / f"{name}.jpg", smooth_rgb(*IDS.shape))
        save(tmp_path / "seg/labels/train" / f"{name}_train_id.png", IDS)
    source = bdd100k.open_source(str(tmp_path))
    assert [each.name for each in source.splits["train"]] == ["0a-1", "0b-2"]
    assert source.problems == ()


def frame(name, *labels):
    return {"name": f"{name}.jpg", "labels": [*labels]}


def box(category, left, right):
    vertices = [[left, 0], [right, 0], [right, 1], [left, 1]]
    return {
        "category": category,
        "poly2d": [{"vertices": vertices, "types": "LLLL", "closed": True}],
    }


def test_polygons_are_drawn_and_the_rest_is_ignored(tmp_path):
    save_images(tmp_path, "b", "a")
    save_images(tmp_path, "c", split="val")
    labels = (box("road", 0, 3), box("car", 1, 2), box("billboard", 2, 3))
    folder = tmp_path / "labels/sem_seg/polygons"
    write_json(folder / "sem_seg_train.json", [frame("b"), frame("a", *labels)])
    write_json(folder / "sem_seg_val.json", {"frames": [frame("c", *labels)]})
    source = bdd100k.open_source(str(tmp_path))
    assert [each.name for each in source.splits["train"]] == ["a", "b"]
    np.testing.assert_array_equal(mask_of(source), [[0, 13, 255, 255]])
    np.testing.assert_array_equal(mask_of(source, "val"), [[0, 13, 255, 255]])
    assert source.class_names == cityscapes.CLASS_NAMES
    assert source.palette == cityscapes.PALETTE


def test_run_lengths_are_preferred_to_polygons(tmp_path):
    save_images(tmp_path, "a")
    write_json(tmp_path / "labels/sem_seg/polygons/sem_seg_train.json", [])
    runs = {"category": "sky", "rle": {"size": [1, 4], "counts": [1, 2, 1]}}
    write_json(tmp_path / "labels/sem_seg/rles/sem_seg_train.json", [frame("a", runs)])
    np.testing.assert_array_equal(mask_of(bdd100k.open_source(str(tmp_path))), [[255, 10, 10, 255]])


def test_bitmasks_of_panoptic_segmentation(tmp_path):
    save_images(tmp_path, "a")
    bitmask = np.array([[(7, 0, 0, 1), (33, 4, 0, 2), (1, 0, 1, 0), (0, 0, 0, 0)]], np.uint8)
    path = save(tmp_path / "labels/pan_seg/bitmasks/train/a.png", bitmask)
    source = bdd100k.open_source(str(tmp_path))
    np.testing.assert_array_equal(mask_of(source), [[0, 18, 255, 255]])
    save(path, bitmask[..., :3])
    with pytest.raises(ValueError, match=r"a\.png: mode RGB; expected a bitmask"):
        mask_of(source)


def test_other_layouts_are_named(tmp_path):
    with pytest.raises(ValueError, match="holds nothing; expected BDD100K with images/10k/train"):
        bdd100k.open_source(str(tmp_path))
    save_images(tmp_path, "a")
    write(tmp_path / "labels/sem_seg/rles/x.json", "[]")
    with pytest.raises(ValueError, match=r"rles holds x\.json; expected sem_seg_train\.json"):
        bdd100k.open_source(str(tmp_path))


def test_a_bitmask_and_run_lengths_of_bdd100k_itself(samples, tmp_path):
    files = samples / "bdd100k"
    bitmask = str(files / "common_testcases_example_bitmask.png")
    sample = bdd100k.BitmaskSample("a", "a.jpg", bitmask)
    assert np.unique(sample.read_mask().values).tolist() == [0, 3]
    save(tmp_path / "images/10k/train/7d06fefd-f7be05a6.jpg", smooth_rgb(720, 1280))
    text = (files / "eval_testcases_rle_seg_gt_0.json").read_text()
    write(tmp_path / "labels/sem_seg/rles/sem_seg_train.json", text)
    found = set(np.unique(mask_of(bdd100k.open_source(str(tmp_path)))).tolist())
    assert {0, 1, 2, 4, 5, 7, 8, 10, 13} == found - {255}
