"""Captions in COCO's JSON."""

import json

import pytest

from datasets.captioning.sources import open_source
from tests.support.captioned_images import names_of, save_image, write_json


def test_coco_of_2014_is_split_as_im2txt_does(tmp_path):
    write_json(tmp_path / "annotations/captions_train2014.json", ["t0.jpg", "t1.jpg"])
    later = [f"v{index:02}.jpg" for index in range(20)]
    write_json(tmp_path / "annotations/captions_val2014.json", later)
    for name in ("train2014/t0.jpg", "val2014/v00.jpg"):
        save_image(tmp_path / name)
    source = open_source("coco_captions", str(tmp_path))
    found = names_of(source)
    assert found["train"] == ["t0.jpg", "t1.jpg", *later[:17]]
    assert (found["val"], found["test"]) == (later[17:18], later[18:])
    first = source.splits["train"][0]
    assert first.path == str(tmp_path / "train2014/t0.jpg")
    assert first.captions == ("A t0.jpg 0.", "A t0.jpg 1.")


def test_files_are_named_after_splits_and_images_may_lie_in_one_folder(tmp_path):
    write_json(tmp_path / "captions_train.json", ["a.jpg", "b.jpg"])
    write_json(tmp_path / "captions_val.json", ["c.jpg"])
    write_json(tmp_path / "captions.json", ["a.jpg", "b.jpg", "c.jpg"])  # All in one, again.
    save_image(tmp_path / "images/a.jpg")
    source = open_source("coco_captions", str(tmp_path))
    assert names_of(source) == {"train": ["a.jpg", "b.jpg"], "val": ["c.jpg"]}
    assert source.splits["train"][0].path == str(tmp_path / "images/a.jpg")


def test_one_file_is_split_by_image_or_as_it_says(tmp_path):
    names = [f"{index}.jpg" for index in range(10)]
    write_json(tmp_path / "a/captions_val2017.json", names)
    source = open_source("coco_captions", str(tmp_path / "a"), val_fraction=0.3)
    found = names_of(source)
    assert {split: len(samples) for split, samples in found.items()} == {"train": 7, "val": 3}
    assert sorted(found["train"] + found["val"]) == names
    images = [
        {"id": 0, "file_name": "x", "split": "train"},
        {"id": 1, "file_name": "y", "split": "val"},
    ]
    write_json(tmp_path / "b/captions.json", ["x", "y"], images=images)
    assert names_of(open_source("coco_captions", str(tmp_path / "b"))) == {
        "train": ["x"],
        "val": ["y"],
    }


def test_what_is_wrong_with_captions_is_said(tmp_path):
    annotations = [
        {"image_id": 0, "caption": "A dog."},
        {"image_id": 0, "caption": "  "},
        {"image_id": 9, "caption": "Nobody's."},
    ]
    write_json(tmp_path / "captions_train.json", ["a.jpg", "b.jpg"], annotations=annotations)
    source = open_source("coco_captions", str(tmp_path), val_fraction=0)
    found = {(each.severity, each.kind, each.name) for each in source.problems}
    assert found == {
        ("warning", "empty caption", "a.jpg"),
        ("error", "no caption", "b.jpg"),
        ("warning", "unknown image", None),
        ("warning", "split", None),
    }


def test_two_images_of_one_id_are_errors_and_no_caption_is_an_empty_one(tmp_path):
    images = [{"id": 1, "file_name": "a.jpg"}, {"id": 1, "file_name": "b.jpg"}]
    content = {"images": images, "annotations": [{"image_id": 1, "caption": None}]}
    text = "\ufeff" + json.dumps(content)
    (tmp_path / "captions_train.json").write_text(text, encoding="utf-8")
    problems = open_source("coco_captions", str(tmp_path)).problems
    found = {(each.severity, each.kind, each.name) for each in problems}
    assert ("error", "image id", "b.jpg") in found
    assert ("warning", "empty caption", "a.jpg") in found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "has no list 'images'"),
        (
            '{"images": [{"id": "1", "file_name": "a"}]}',
            r"images\[0\] has id '1'; expected a whole",
        ),
        (
            '{"images": [], "annotations": [{"image_id": 1}]}',
            r"annotations\[0\] has caption 'None'",
        ),
    ],
)
def test_files_of_another_form_are_refused(tmp_path, content, message):
    (tmp_path / "captions_train.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        open_source("coco_captions", str(tmp_path))


def test_folders_of_another_layout_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match=r"no captions_….json. Expected captions_SPLIT.json"):
        open_source("coco_captions", str(tmp_path))
    write_json(tmp_path / "captions_val.json", ["a"])
    write_json(tmp_path / "captions_test.json", ["b"])
    with pytest.raises(ValueError, match="has the splits test, val, and no train"):
        open_source("coco_captions", str(tmp_path))
