"""sources.listing: which files of a folder are images, and what else lies there."""

import os

import pytest

from datasets.segmentation.sources import listing
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


def test_an_index_has_names_in_order_doubles_and_the_rest(tmp_path):
    for name in ("b.png", "town/a.JPG", "b.jpg", "notes.txt"):
        write(tmp_path / name, "")
    index = listing.index_images(str(tmp_path))
    assert list(index.paths.items()) == [
        ("b", f"{tmp_path}/b.jpg"),
        ("town/a", f"{tmp_path}/town/a.JPG"),
    ]
    assert index.doubles == {"b": [f"{tmp_path}/b.jpg", f"{tmp_path}/b.png"]}
    assert (index.others, index.strangers, index.unnameable) == (["notes.txt"], {}, [])
    masks = listing.index_masks(str(tmp_path))
    assert masks.paths["b"] == f"{tmp_path}/b.png"  # What is exact comes before what is blurred.
    assert (masks.doubles, masks.others) == ({}, ["notes.txt", "b.jpg"])


def test_folders_without_masks_are_told_from_mistakes(tmp_path):
    (tmp_path / "empty").mkdir()
    write(tmp_path / "text" / "a.md", "")
    for name, reason in (
        (
            "empty",
            "has no masks: it is empty. Put them there, such as a.png, or remove the folder.",
        ),
        (
            "text",
            "has no masks: it holds a.md. Put them there, such as a.png, or remove the folder.",
        ),
        ("none", "does not exist; expected a folder of masks. docs/datasets.md draws the folders."),
    ):
        path = str(tmp_path / name)
        with pytest.raises(listing.NoMasksError) as caught:
            listing.index_masks(path)
        assert (caught.value.path, caught.value.reason) == (path, reason)
        with pytest.raises(ValueError, match="images") as of_images:
            listing.index_images(path)
        assert not isinstance(of_images.value, listing.NoMasksError)


def test_labels_that_are_not_read_are_named_with_what_to_export_instead(tmp_path):
    write(tmp_path / "yolo" / "a.txt", "")
    write(tmp_path / "voc" / "a.xml", "")
    with pytest.raises(listing.NoMasksError, match=r"a\.txt\. If these are labels of YOLO: export"):
        listing.index_masks(str(tmp_path / "yolo"))
    with pytest.raises(listing.NoMasksError, match=r"boxes of Pascal VOC, which do not tell which"):
        listing.index_masks(str(tmp_path / "voc"))


def test_the_first_folder_with_the_witness_is_the_root(tmp_path):
    for name in ("VOC2012/JPEGImages", "other/JPEGImages"):
        (tmp_path / name).mkdir(parents=True)

    def find(*folders: str) -> str:
        return listing.find_root(str(tmp_path), folders, "JPEGImages", "the folder VOC2012")

    assert find("", "VOC2012", "other") == f"{tmp_path}/VOC2012"
    assert find("other", "VOC2012") == f"{tmp_path}/other"
    with pytest.raises(ValueError, match=r"holds VOC2012, other; expected the folder VOC2012\."):
        find("")
    write(tmp_path / "file", "")
    for name, message in (("file", "is not a folder; expected"), ("none", "does not exist; exp")):
        with pytest.raises(ValueError, match=message):
            listing.find_root(str(tmp_path / name), [""], "x", "a dataset")
