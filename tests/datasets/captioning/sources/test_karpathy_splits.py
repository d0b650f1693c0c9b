"""Karpathy's JSON of COCO and Flickr8k."""

import json

import pytest

from datasets.captioning.sources import open_source, source
from tests.support.captioned_images import names_of, save_image


def image(name: str, split: str, **fields) -> dict:
    sentence = {"raw": f"A {name}.", "tokens": ["a", name], "imgid": 0, "sentid": 0}
    return {"filename": name, "split": split, "imgid": 0, "sentences": [sentence], **fields}


def write(path, *images) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"images": images, "dataset": "x"}))


def coco(folder) -> None:
    val, train = {"filepath": "val2014"}, {"filepath": "train2014"}
    write(
        folder / "dataset_coco.json",
        image("v1.jpg", "test", cocoid=1, **val),
        image("v2.jpg", "restval", cocoid=2, **val),
        image("v3.jpg", "val", cocoid=3, **val),
        image("t4.jpg", "train", cocoid=4, **train),
    )
    save_image(folder / "val2014/v1.jpg")
    save_image(folder / "train2014/t4.jpg")


@pytest.mark.parametrize("name", ["karpathy_splits", "coco_captions"])
def test_coco_has_karpathys_splits_and_the_rest_is_trained_on(tmp_path, name):
    coco(tmp_path)
    found = open_source(name, str(tmp_path))
    assert names_of(found) == {"train": ["t4.jpg", "v2.jpg"], "val": ["v3.jpg"], "test": ["v1.jpg"]}
    first, second = found.splits["train"]
    assert first.path == str(tmp_path / "train2014/t4.jpg")
    assert second.path == str(tmp_path / "val2014/v2.jpg")
    assert (first.image_id, second.image_id) == (4, 2)
    assert first.captions == ("A t4.jpg.",)
    assert found.problems == ()


@pytest.mark.parametrize("name", ["karpathy_splits", "flickr_captions"])
def test_flickr_has_no_folders_and_no_numbers(tmp_path, name):
    words = image("b.jpg", "val", sentences=[{"tokens": ["a", "dog"]}, {"raw": " "}])
    write(tmp_path / "dataset_flickr8k.json", image("a.jpg", "train"), words)
    save_image(tmp_path / "Images/a.jpg")
    found = open_source(name, str(tmp_path))
    (first,), (second,) = found.splits["train"], found.splits["val"]
    assert first.path == str(tmp_path / "Images/a.jpg")
    assert first.image_id == source.number_of("a.jpg")
    assert second.captions == ("a dog",)
    assert [each.kind for each in found.problems] == ["empty caption"]


def test_own_files_come_first(tmp_path):
    coco(tmp_path)
    content = {
        "images": [{"id": 1, "file_name": "t4.jpg"}],
        "annotations": [{"image_id": 1, "caption": "A dog."}],
    }
    (tmp_path / "captions_train2014.json").write_text(json.dumps(content))
    found = open_source("coco_captions", str(tmp_path), val_fraction=0)
    assert found.splits["train"][0].captions == ("A dog.",)
    assert len(open_source("karpathy_splits", str(tmp_path)).splits) == 3


def test_folders_of_another_layout_are_refused(tmp_path):
    (tmp_path / "readme").write_text("")
    with pytest.raises(ValueError, match=r"holds readme\. Expected one file: Karpathy's"):
        open_source("karpathy_splits", str(tmp_path))
    coco(tmp_path)
    write(tmp_path / "annotations/dataset_flickr8k.json")
    with pytest.raises(ValueError, match=r"holds dataset_coco\.json and dataset_flickr8k\.json\. "):
        open_source("karpathy_splits", str(tmp_path))
    (tmp_path / "dataset_coco.json").unlink()
    with pytest.raises(ValueError, match=r"has the splits \(none\), and no train"):
        open_source("karpathy_splits", str(tmp_path))
    write(tmp_path / "annotations/dataset_flickr8k.json", image("x.jpg", "train"))
    with pytest.raises(ValueError, match=r"has no folder with x\.jpg, the first image"):
        open_source("karpathy_splits", str(tmp_path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "has no list 'images'"),
        ('{"images": [3]}', r"images\[0\] has '3' in place of an object"),
        ('{"images": [{"filename": "a"}]}', r"images\[0\] has split 'None'; expected text"),
        (
            '{"images": [{"filename": "a", "split": "val", "filepath": 1}]}',
            "has filepath '1'; expected text",
        ),
        (
            '{"images": [{"filename": "a", "split": "val", "cocoid": "1"}]}',
            "has cocoid '1'; expected a whole number",
        ),
        ('{"images": [{"filename": "a", "split": "val"}]}', "has no list 'sentences'"),
        (
            '{"images": [{"filename": "a", "split": "val", "sentences": [{"raw": 1}]}]}',
            "has the sentence .* expected raw, a text, or tokens, words",
        ),
    ],
)
def test_files_of_another_form_are_refused(tmp_path, content, message):
    (tmp_path / "dataset_coco.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        open_source("karpathy_splits", str(tmp_path))
