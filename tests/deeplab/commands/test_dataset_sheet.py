"""dataset_sheet: what a sheet shows, where it goes, and what is said of it."""

import dataclasses
import os

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import checks
from datasets.segmentation.sources import folder
from deeplab.commands import dataset_sheet
from tests.support.sample_images import save, write_json

RED, GREEN = (200, 0, 0), (0, 200, 0)


def check(root):
    source = folder.open_source(str(root))
    return source, checks.check_source(source, show_progress=False)


@pytest.fixture
def root(tmp_path):
    """Gray images, whose left half is red and whose last quarter is ignored."""
    names = {"names": ["ground", "cat", "dog"], "palette": [(0, 0, 0), RED, GREEN]}
    write_json(tmp_path / "my" / "classes.json", names)
    ids = np.zeros((100, 400), np.uint8)
    ids[:, :200], ids[:, 300:] = 1, 255
    for split, name in (("train", "a"), ("train", "b"), ("val", "c")):
        save(tmp_path / "my" / split / "images" / f"{name}.png", np.full((100, 400, 3), 90, "u1"))
        save(tmp_path / "my" / split / "masks" / f"{name}.png", ids)
    return tmp_path / "my"


def test_masks_are_painted_over_their_images(root, tmp_path):
    path = tmp_path / "new" / "sheet.png"
    said = dataset_sheet.write(str(path), *check(root))
    assert said == f"{path} shows 3 images with their masks in color."
    assert os.listdir(path.parent) == ["sheet.png"]
    sheet = np.asarray(Image.open(path).convert("RGB")).astype(int)
    # Red over gray is on the left of each image, gray itself in the middle.
    for color in ((145, 45, 45), (90, 90, 90), RED):
        columns = np.flatnonzero((np.abs(sheet - color).max(axis=2) <= 2).any(axis=0))
        assert len(columns) > 0, color
    halves = (np.abs(sheet - (145, 45, 45)).max(axis=2) <= 2).sum()
    quarters = (np.abs(sheet - (90, 90, 90)).max(axis=2) <= 2).sum()
    assert halves / quarters == pytest.approx(2, abs=0.1)


def test_classes_that_are_not_shown_are_counted(root, tmp_path):
    source, report = check(root)
    statistics = dataclasses.replace(report.statistics["train"], pixels_per_class=(5, 5, 5))
    report = dataclasses.replace(report, statistics={"train": statistics})
    said = dataset_sheet.write(str(tmp_path / "sheet.png"), source, report)
    assert said.endswith("; 1 classes that occur are in none of them.")


def test_without_a_usable_example_there_is_no_sheet(root, tmp_path):
    for path in root.rglob("*/masks/*.png"):
        path.write_bytes(b"")
    assert dataset_sheet.write(str(tmp_path / "sheet.png"), *check(root)) is None
    assert not (tmp_path / "sheet.png").exists()


def test_a_path_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "a.png").mkdir()
    for name, message in (
        ("sheet.jpg", "expected the name of a PNG file"),
        ("a.png", "is a folder"),
        ("file/sheet.png", "file is not a folder; choose another"),
    ):
        with pytest.raises(ValueError, match=message):
            dataset_sheet.check_path(str(tmp_path / name))
    dataset_sheet.check_path(str(tmp_path / "new" / "sheet.PNG"))
