"""annotations.export_images: where the images of an export are, and what they are called."""

import collections
import dataclasses

import pytest

from datasets.segmentation.annotations import export_images
from datasets.segmentation.annotations.export_images import Entry, ImageFinder
from datasets.segmentation.annotations.labeled_image import Region
from datasets.segmentation.annotations.shapes import Rectangle
from tests.support.sample_images import write

REGION = Region("cat", Rectangle(((0, 0), (1, 1))))


def entry(file: str, split: str = "default", is_found: bool = True, regions=(REGION,)) -> Entry:
    return Entry(split, file, f"/images/{file}", is_found, "/labels.xml", regions)


def finder(root, *files: str) -> ImageFinder:
    for file in files:
        write(root / file, "")
    return ImageFinder(str(root))


def test_an_image_is_found_in_the_likeliest_folder(tmp_path):
    found = finder(tmp_path, "images/a.jpg", "masks/a.jpg", "deep/er/b.png", "notes.txt", "c/d.jpg")
    assert found.find("a.jpg") == str(tmp_path / "images/a.jpg")
    assert found.find("masks/a.jpg") == str(tmp_path / "masks/a.jpg")
    assert found.find("C:\\photos\\b.png") == str(tmp_path / "deep/er/b.png")
    assert found.find("/srv/c/d.jpg") == str(tmp_path / "c/d.jpg")
    assert found.find("notes.txt") is None
    assert found.find("") is None
    assert found.expected("../x/e.jpg") == str(tmp_path / "images/x/e.jpg")


def test_of_several_images_of_one_name_the_folders_decide(tmp_path):
    found = finder(tmp_path, "p/q/a.jpg", "p/r/a.jpg")
    assert found.find("https://host/q/a.jpg") == str(tmp_path / "p/q/a.jpg")
    assert found.find("a.jpg") is None


def test_masks_and_images_with_masks_in_them_are_not_taken_for_images(tmp_path):
    found = finder(
        tmp_path, "Visualization/a.jpg", "SegmentationClass/b.png", "masks/c.png", "photos/d.jpg"
    )
    assert found.find("JPEGImages/a.jpg") is None
    assert found.find("JPEGImages/b.png") is None
    assert found.find("c.png") is None
    assert not found.moved
    assert found.find("JPEGImages/d.jpg") == str(tmp_path / "photos/d.jpg")
    assert found.moved == {"JPEGImages/d.jpg": str(tmp_path / "photos/d.jpg")}


def test_images_in_other_folders_and_images_without_labels_are_told(tmp_path):
    found = finder(tmp_path, "images/a.jpg", "b.jpg", "c.jpg", "Visualization/d.jpg")
    paths = [found.find("a.jpg"), found.find("x/b.jpg")]
    entries = [Entry("default", path, path, True, "/labels.xml", [REGION]) for path in paths]
    splits, _ = export_images.collect(entries, str(tmp_path), "")
    moved, unlabeled = found.describe(splits)
    assert (moved.kind, unlabeled.kind) == ("moved", "unused")
    assert f"x/b.jpg is taken from {tmp_path / 'b.jpg'}" in moved.message
    assert unlabeled.message == "1 file is left out: images that are not labeled, c.jpg."


def test_damage_is_of_one_image_unless_all_are_damaged():
    broken = dataclasses.replace(entry("a.jpg", regions=()), damage="a.json: no JSON")
    splits, problems = export_images.collect([broken, entry("b.jpg")], "data", "")
    assert [image.damage for image in splits["default"]] == ["a.json: no JSON", None]
    assert not problems  # It is not told as an image without a region.
    with pytest.raises(ValueError, match=r"a\.json: no JSON"):
        export_images.collect([broken], "data", "")


def test_images_have_names_of_their_own():
    entries = [entry("a.jpg"), entry("a.png"), entry("x/b.jpg"), entry("a.jpg", split="val")]
    splits, problems = export_images.collect(entries, "data", "")
    assert [image.name for image in splits["default"]] == ["a.jpg", "a.png", "x/b"]
    assert [image.name for image in splits["val"]] == ["a"]
    assert not problems


def test_images_that_are_repeated_or_empty_are_told():
    entries = [entry("a.jpg"), entry("a.jpg", regions=()), entry("b.jpg", regions=())]
    splits, problems = export_images.collect(entries, "data", "")
    assert [len(image.regions) for image in splits["default"]] == [1, 0]
    assert [problem.kind for problem in problems] == ["repeated", "empty"]
    assert "1 of 2 images have no region, so that all of each is background" in problems[1].message


def test_an_export_without_images_is_refused():
    with pytest.raises(ValueError, match="data: the export has no labeled image"):
        export_images.collect([], "data", "")
    missing = [entry("a.jpg", is_found=False), entry("b.jpg", is_found=False)]
    with pytest.raises(ValueError, match=r"none of the 2 images .* a\.jpg, b\.jpg\. Do it again"):
        export_images.collect(missing, "data", "Do it again.")
    splits, _ = export_images.collect([*missing, entry("c.jpg")], "data", "")
    assert len(splits["default"]) == 3  # The check says which are missing.


@pytest.mark.parametrize(
    ("files", "splits"),
    [
        (["a.xml"], ["default"]),
        (["a.xml", "b.xml", "x/c.xml"], ["default", "default"]),
        (["Train.xml", "valid.xml"], ["Train", "valid"]),
        (["train.xml", "extra.xml"], ["default", "default"]),
        (["train/a.xml", "train/b.xml", "val/a.xml"], ["train", "train", "val"]),
        (["job_1/a.xml", "job_2/a.xml"], ["default", "default"]),
        (["x.txt"], []),
    ],
)
def test_files_may_be_splits(tmp_path, files, splits):
    for file in files:
        write(tmp_path / file, "")
    found = export_images.find_files(str(tmp_path), ".xml", lambda path: True)
    assert sorted(split for _, split in found.values()) == splits
    assert not export_images.find_files(str(tmp_path), ".xml", lambda path: False)


def test_a_folder_of_many_files_is_none_of_exports(tmp_path):
    for number in range(60):
        write(tmp_path / "Annotations" / f"{number}.xml", "")
    assert not export_images.find_files(str(tmp_path), ".xml", lambda path: True)


def test_what_is_left_out_is_counted():
    counts = collections.Counter({"points": 3, "box without a label": 1})
    (problem,) = export_images.describe_left_out(counts, "data")
    assert problem.message.endswith("is left out: 1 box without a label, 3 points.")
    assert not list(export_images.describe_left_out(collections.Counter(), "data"))
