"""sources.listing: which files of a folder are images, and what else lies there."""

import os

import pytest

from tests.datasets.segmentation.sources.test_pairing import (
    match,
    only_problem,
    pairs,
    save_images,
    save_masks,
)
from tests.support.sample_images import save, smooth_rgb, write


def test_what_systems_leave_in_folders_is_passed_over(tmp_path):
    save_images(tmp_path, "a.jpg", "__MACOSX/a.jpg", ".thumbs/a.jpg", "@eaDir/a.jpg")
    save_masks(tmp_path, "a.png", "._a.png")
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "Icon\r"):
        write(tmp_path / "images" / name, "")
    assert match(tmp_path).problems == ()
    assert list(pairs(tmp_path)) == ["a"]


def test_a_link_to_a_folder_above_ends(tmp_path):
    save_images(tmp_path, "a.jpg")
    save_masks(tmp_path, "a.png")
    os.symlink(tmp_path / "images", tmp_path / "images" / "loop")
    assert list(pairs(tmp_path)) == ["a"]


@pytest.mark.parametrize(
    "ending", [".jfif", ".JPE", ".gif", ".GIF", ".mpo", ".avif", ".pgm", ".tiff", ".webp"]
)
def test_every_ending_that_is_read_is_listed(tmp_path, ending):
    save_masks(tmp_path, "a.png")
    write(tmp_path / "images" / f"a{ending}", "")
    assert pairs(tmp_path) == {"a": (f"a{ending}", "a.png")}


@pytest.mark.parametrize("ending", [".HEIC", ".dng", ".jp2", ".psd", ".svg"])
def test_a_file_of_an_unread_kind_is_not_missing(tmp_path, ending):
    save_images(tmp_path, "b.jpg")
    save_masks(tmp_path, "a.png", "b.png")
    write(tmp_path / "images" / f"a{ending}", "")
    assert pairs(tmp_path)["a"] == (f"a{ending}", "a.png")


def test_an_image_without_an_ending_is_read(tmp_path):
    save_masks(tmp_path, "a.png", "frame.0001.png")
    for name in ("a", "frame.0001"):
        save(tmp_path / "images" / name, smooth_rgb(4, 6), format="JPEG")
    assert pairs(tmp_path) == {
        "a": ("a", "a.png"),
        "frame.0001": ("frame.0001", "frame.0001.png"),
    }


def test_other_files_are_counted_and_named_as_what_they_are(tmp_path):
    save_images(tmp_path, "a.jpg")
    save_masks(tmp_path, "a.png")
    for name in ("a.dng", "b.HEIC", "a.json"):
        write(tmp_path / "images" / name, "{}")
    assert list(pairs(tmp_path)) == ["a"]
    severity, kind, text = only_problem(tmp_path)
    assert (severity, kind) == ("warning", "unused")
    assert text.startswith("images: 3 files are left out")
    assert "a.dng (a camera's raw file), a.json, b.HEIC (a HEIC file, as phones take them)" in text


def test_a_jpeg_beside_a_mask_is_a_second_file(tmp_path):
    save_images(tmp_path, "a.jpg")
    save_masks(tmp_path, "a.png", "a.jpg")
    assert pairs(tmp_path) == {"a": ("a.jpg", "a.png")}
    assert only_problem(tmp_path)[:2] == ("warning", "unused")
