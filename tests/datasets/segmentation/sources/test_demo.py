"""The demo images: what they show, that they are repeatable, and that drawing goes on."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from datasets.demo_scenes.classes import CLASS_NAMES, IGNORED, PALETTE
from datasets.demo_scenes.scene import draw_scene
from datasets.images import drawn_folder
from datasets.segmentation.sources import demo

NUM_CLASSES = len(CLASS_NAMES)
SMALL = {"num_train": 2, "num_val": 1, "show_progress": False}


def _contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_draws_the_same_bytes_and_another_seed_others(tmp_path):
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        demo.open_source(str(tmp_path / name), seed=seed, **SMALL)
    first, again, other = (_contents(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    assert first.keys() == other.keys()
    images = [name for name in first if name.endswith((".jpg", ".png"))]
    assert len(images) == 6
    assert all(first[name] != other[name] for name in images)
    assert len({first[name] for name in images}) == 6


def test_a_image_does_not_depend_on_how_many_there_are(tmp_path):
    demo.open_source(str(tmp_path / "few"), **SMALL)
    demo.open_source(str(tmp_path / "more"), **{**SMALL, "num_train": 3})
    few, more = _contents(tmp_path / "few"), _contents(tmp_path / "more")
    for name in set(few) - {drawn_folder.SETTINGS_FILE}:
        assert few[name] == more[name], name


def test_images_and_masks_are_plain_files_that_fit_each_other(tmp_path):
    source = demo.open_source(str(tmp_path / "demo"), **SMALL)
    assert source.name == "demo"
    assert source.class_names == CLASS_NAMES
    assert source.palette == PALETTE
    assert source.ignore_label == IGNORED
    assert {split: len(items) for split, items in source.splits.items()} == {"train": 2, "val": 1}
    for item in [*source.splits["train"], *source.splits["val"]]:
        with Image.open(item.image_path) as image, Image.open(item.mask_path) as mask:
            assert (image.format, image.mode) == ("JPEG", "RGB")
            assert (mask.format, mask.mode) == ("PNG", "P")
            assert image.size == mask.size
            indices = np.array(mask)
            colors = np.array(mask.convert("RGB"))
        ids = source.read_mask(item)
        np.testing.assert_array_equal(ids, indices)
        assert set(np.unique(ids)) <= {*range(NUM_CLASSES), IGNORED}
        for class_id in set(np.unique(ids)) - {IGNORED}:
            assert (colors[ids == class_id] == PALETTE[class_id]).all()


def test_what_was_deleted_is_drawn_again_and_the_rest_is_left_alone(tmp_path):
    folder = tmp_path / "demo"
    demo.open_source(str(folder), **SMALL)
    before = _contents(folder)
    (folder / "train/images/scene_001.jpg").unlink()
    (folder / "val/masks/scene_000.png").unlink()
    (folder / "classes.json").unlink()
    kept = folder / "train/images/scene_000.jpg"
    kept_time = kept.stat().st_mtime_ns
    demo.open_source(str(folder), **SMALL)
    assert _contents(folder) == before
    assert kept.stat().st_mtime_ns == kept_time


def test_interrupted_drawing_goes_on(tmp_path, monkeypatch):
    folder = tmp_path / "demo"
    drawn = []

    def stop_at_second(rng, height, width):
        if len(drawn) == 1:
            raise KeyboardInterrupt
        drawn.append((height, width))
        return draw_scene(rng, height, width)

    with monkeypatch.context() as patch:
        patch.setattr(demo, "draw_scene", stop_at_second)
        patch.setattr(demo.workers, "num_cores", lambda: 1)
        with pytest.raises(KeyboardInterrupt):
            demo.open_source(str(folder), **SMALL)
    left = _contents(folder)
    assert sum(name.endswith(".jpg") for name in left) == 1
    assert not [name for name in left if name.endswith(".tmp")]
    demo.open_source(str(folder), **SMALL)
    demo.open_source(str(tmp_path / "whole"), **SMALL)
    assert _contents(folder) == _contents(tmp_path / "whole")


def test_a_full_disk_names_the_file_and_leaves_no_half_image(tmp_path, monkeypatch):
    folder = tmp_path / "demo"

    def refuse(source, target):
        if target.endswith(".jpg"):
            raise OSError(28, "No space left on device")
        pathlib.Path(source).rename(target)

    monkeypatch.setattr(demo.os, "replace", refuse)
    with pytest.raises(OSError, match=r"scene_00\d\.jpg cannot be written: No space left"):
        demo.open_source(str(folder), **SMALL)
    assert not [name for name in _contents(folder) if name.endswith((".jpg", ".tmp"))]


def test_a_folder_of_something_else_is_refused_and_untouched(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"an image of mine")
    with pytest.raises(ValueError, match=r"holds holiday\.jpg and no demo\.json.*source 'folder'"):
        demo.open_source(str(tmp_path), **SMALL)
    assert list(_contents(tmp_path)) == ["holiday.jpg"]


def test_other_settings_are_refused_by_name(tmp_path):
    demo.open_source(str(tmp_path / "demo"), **SMALL)
    with pytest.raises(ValueError, match=r'"num_val": 1.*not.*"num_val": 5.*delete the folder'):
        demo.open_source(str(tmp_path / "demo"), **{**SMALL, "num_val": 5})
