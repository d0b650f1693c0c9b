"""Folders of one's own: the names that people give folders and splits, and splits without masks."""

import itertools
import os

import numpy as np
import pytest

from datasets.records import split_names
from datasets.segmentation import checks
from datasets.segmentation.sources import folder, layouts
from tests.support.sample_images import save, smooth_rgb, write

IDS = (np.arange(4 * 6).reshape(4, 6) % 3).astype(np.uint8)


def save_images(folder_, *names: str) -> None:
    for index, name in enumerate(names):
        save(folder_ / f"{name}.jpg", smooth_rgb(4, 6, index + 3 * len(str(folder_))))


def save_masks(folder_, *names: str) -> None:
    for name in names:
        save(folder_ / f"{name}.png", IDS)


def files_of(root) -> dict[str, list[tuple[str, str]]]:
    """Image and mask of each example, relative to the root, by split."""
    source = folder.open_source(str(root))
    return {
        split: [
            (os.path.relpath(sample.image_path, root), os.path.relpath(sample.mask_path, root))
            for sample in samples
        ]
        for split, samples in source.splits.items()
    }


def warnings_of(root) -> list[tuple[str, str]]:
    report = checks.check_source(folder.open_source(str(root)), show_progress=False)
    assert report.errors == ()
    return [
        (problem.kind, f"{os.path.relpath(problem.path, root)}: {problem.message}")
        for problem in report.warnings
        if problem.kind not in ("classes", "repeated")
    ]


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("image", "mask"),
        ("Images", "Masks"),
        ("IMG", "labels"),
        ("imgs", "label"),
        ("photos", "annotations"),
        ("Images", "gt"),
        ("photo", "Ground Truth"),
        ("JPEGImages", "SegmentationClass"),
        ("images", "ground_truth"),
    ],
)
@pytest.mark.parametrize("layout", ["plain", "train/images", "images/train"])
def test_folders_under_the_names_that_people_have(tmp_path, images, masks, layout):
    if layout == "plain":
        save_images(tmp_path / images, "a", "b")
        save_masks(tmp_path / masks, "a", "b")
        found = sorted(itertools.chain(*files_of(tmp_path).values()))
        assert found == [(f"{images}/{name}.jpg", f"{masks}/{name}.png") for name in "ab"]
        return
    paths = {
        split: [
            f"{split}/{name}" if layout == "train/images" else f"{name}/{split}"
            for name in (images, masks)
        ]
        for split in ("train", "val")
    }
    for images_dir, masks_dir in paths.values():
        save_images(tmp_path / images_dir, "a")
        save_masks(tmp_path / masks_dir, "a")
    assert files_of(tmp_path) == {
        split: [(f"{images_dir}/a.jpg", f"{masks_dir}/a.png")]
        for split, (images_dir, masks_dir) in paths.items()
    }


@pytest.mark.parametrize("layout", ["{split}/images", "images/{split}"])
@pytest.mark.parametrize("name", ["valid", "Validation", "dev", "VAL"])
def test_splits_under_the_names_that_people_have(tmp_path, layout, name):
    for split in ("Training", name, "Test"):
        images_dir = layout.format(split=split)
        save_images(tmp_path / images_dir, "a")
        save_masks(tmp_path / images_dir.replace("images", "masks"), "a")
    assert list(files_of(tmp_path)) == ["train", "val", "test"]


def test_lists_under_the_names_that_people_have(tmp_path):
    save_images(tmp_path / "images", "a", "b", "c")
    save_masks(tmp_path / "masks", "a", "b", "c")
    write(tmp_path / "Splits" / "training.txt", "a\n")
    write(tmp_path / "Splits" / "valid.TXT", "b\n")
    assert {split: len(samples) for split, samples in files_of(tmp_path).items()} == {
        "train": 1,
        "val": 1,
    }
    assert warnings_of(tmp_path) == [
        ("unused", "images: 1 file is left out, named by no list: c."),
    ]


def test_lists_of_a_dataset_laid_out_as_pascal_voc(tmp_path):
    save_images(tmp_path / "JPEGImages", "a", "b", "c")
    save_masks(tmp_path / "SegmentationClass", "a", "b", "c")
    lists = tmp_path / "ImageSets" / "Segmentation"
    write(lists / "default.txt", "a\nb\nc\n")
    assert list(files_of(tmp_path)) == ["train", "val"]  # By chance: no list is that of training.
    write(lists / "train.txt", "a\n")
    write(lists / "val.txt", "b\n")
    assert {split: len(samples) for split, samples in files_of(tmp_path).items()} == {
        "train": 1,
        "val": 1,
        "default": 3,
    }


def test_another_name_beside_the_name_itself_is_a_split_of_its_own(tmp_path):
    for split in ("train", "val", "dev"):
        save_images(tmp_path / split / "images", "a")
        save_masks(tmp_path / split / "masks", "a")
    assert list(files_of(tmp_path)) == ["train", "val", "dev"]


def test_two_names_of_one_split_are_named(tmp_path):
    for split in ("train", "valid", "dev"):
        save_images(tmp_path / split / "images", "a")
        save_masks(tmp_path / split / "masks", "a")
    with pytest.raises(ValueError, match="holds 'dev' and 'valid', and both mean the split 'val'"):
        folder.open_source(str(tmp_path))


@pytest.mark.parametrize("other", ["imgs", "labels"])
def test_two_folders_that_may_be_meant_are_named(tmp_path, other):
    for name in ("images", "masks", other):
        save_masks(tmp_path / name, "a", "b")
    own = "images" if other == "imgs" else "masks"
    with pytest.raises(ValueError, match=f"holds ({own}/ and {other}/|{other}/ and {own}/), and"):
        folder.open_source(str(tmp_path))


def test_folders_of_text_are_not_meant(tmp_path):
    save_images(tmp_path / "images", "a", "b")
    save_masks(tmp_path / "masks", "a", "b")
    write(tmp_path / "labels" / "a.txt", "0 0.5 0.5 1 1")
    write(tmp_path / "annotations" / "instances.json", "{}")
    write(tmp_path / "__MACOSX" / "images" / "a.jpg", "")
    write(tmp_path / "old" / "pictures" / "a.jpg", "")
    assert files_of(tmp_path)["train"][0][1].startswith("masks/")
    assert warnings_of(tmp_path) == [
        ("unused", "old/pictures: 1 file is left out: this is not a folder of images or masks.")
    ]


def test_all_masks_in_one_folder(tmp_path):
    save_images(tmp_path / "images" / "train", "a", "b")
    save_images(tmp_path / "images" / "valid", "c")
    save_masks(tmp_path / "masks", "a", "b", "c")
    assert files_of(tmp_path) == {
        "train": [("images/train/a.jpg", "masks/a.png"), ("images/train/b.jpg", "masks/b.png")],
        "val": [("images/valid/c.jpg", "masks/c.png")],
    }
    assert warnings_of(tmp_path) == []


def test_files_beside_the_folders_of_splits_are_counted(tmp_path):
    for split in ("train", "val"):
        save_images(tmp_path / "images" / split, "a")
        save_masks(tmp_path / "masks" / split, "a")
    save_images(tmp_path / "images", "x", "y")
    assert warnings_of(tmp_path) == [
        ("unused", "images: 2 files are left out, in no folder of a split: x.jpg, y.jpg."),
    ]


def test_a_folder_of_trains_is_no_split(tmp_path):
    for name in ("train", "bus"):
        save_images(tmp_path / "images" / name, "a", "b")
        save_masks(tmp_path / "masks" / name, "a", "b")
    names = sorted(itertools.chain(*files_of(tmp_path).values()))
    assert [image for image, _ in names] == [
        f"images/{name}/{stem}.jpg" for name in ("bus", "train") for stem in "ab"
    ]
    assert list(files_of(tmp_path)) == ["train", "val"]


# --- splits without masks


@pytest.mark.parametrize("case", ["no folder", "empty", "text only", "lists"])
def test_a_split_without_masks_is_left_out(tmp_path, case):
    if case == "lists":
        save_images(tmp_path / "images", *"abcde")
        save_masks(tmp_path / "masks", *"abc")
        for split, names in (("train", "a\nb\n"), ("val", "c\n"), ("test", "d\ne\n")):
            write(tmp_path / "splits" / f"{split}.txt", names)
    else:
        for split, names in (("train", "ab"), ("val", "c")):
            save_images(tmp_path / split / "images", *names)
            save_masks(tmp_path / split / "masks", *names)
        save_images(tmp_path / "test" / "images", "d", "e")
        if case != "no folder":
            (tmp_path / "test" / "masks").mkdir()
        if case == "text only":
            write(tmp_path / "test" / "masks" / "readme.txt", "not published")
    assert {split: len(samples) for split, samples in files_of(tmp_path).items()} == {
        "train": 2,
        "val": 1,
    }
    ((kind, text),) = warnings_of(tmp_path)
    assert kind == "split"
    assert text.endswith("Split 'test' has no masks and is left out.")


def test_a_test_list_of_files_that_are_not_there_is_left_out(tmp_path):
    save_images(tmp_path / "images", "a", "b")
    save_masks(tmp_path / "masks", "a", "b")
    for split, names in (("train", "a\n"), ("val", "b\n"), ("test", "x\ny\n")):
        write(tmp_path / "splits" / f"{split}.txt", names)
    assert list(files_of(tmp_path)) == ["train", "val"]


@pytest.mark.parametrize("unlabelled", [["train"], ["train", "val"]])
def test_training_images_without_masks_are_an_error(tmp_path, unlabelled):
    for split in ("train", "val"):
        save_images(tmp_path / split / "images", "a")
        if split not in unlabelled:
            save_masks(tmp_path / split / "masks", "a")
    with pytest.raises(ValueError, match=r"train/masks does not exist; expected a folder of masks"):
        folder.open_source(str(tmp_path))


def test_a_mask_that_is_missing_among_others_stays_an_error(tmp_path):
    for split in ("train", "val"):
        save_images(tmp_path / split / "images", "a", "b")
        save_masks(tmp_path / split / "masks", "a")
    report = checks.check_source(folder.open_source(str(tmp_path)), show_progress=False)
    assert [problem.kind for problem in report.errors] == ["missing", "missing"]


def test_splits_have_the_records_names():
    assert split_names.name_splits(["test", "Validation", "extra", "Train"], "x") == {
        "train": "Train",
        "val": "Validation",
        "test": "test",
        "extra": "extra",
    }


def test_packed_datasets_are_to_be_unpacked(tmp_path):
    (tmp_path / "export.ZIP").touch()
    with pytest.raises(ValueError, match=r"lists the tools\. Unpack export\.ZIP first\.$"):
        layouts.find_layout(str(tmp_path))
    with pytest.raises(ValueError, match=r"is not a folder; .* Unpack it, and name the folder\.$"):
        layouts.find_layout(str(tmp_path / "export.ZIP"))
