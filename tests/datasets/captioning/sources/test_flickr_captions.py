"""The tables of Flickr8k and Flickr30k."""

import pytest

from datasets.captioning.sources import open_source
from tests.support.captioned_images import names_of, save_image

TABLES = {
    "Flickr8k.token.txt": "a.jpg#0\tA dog , running .\na.jpg#1\tA dog .\nb.jpg#0\tA cat .\n",
    "results.csv": "image_name| comment_number| comment\na.jpg| 0| A dog , running .\n"
    "a.jpg| 1| A dog .\nb.jpg| 0| A cat .\n",
    "captions.txt": 'image,caption\na.jpg,"A dog , running ."\na.jpg,A dog .\nb.jpg,A cat .\n',
}


@pytest.mark.parametrize("table", TABLES)
def test_tables_of_flickr(tmp_path, table):
    (tmp_path / table).write_text(TABLES[table])
    save_image(tmp_path / "Flicker8k_Dataset/Images/a.jpg")
    source = open_source("flickr_captions", str(tmp_path), val_fraction=0)
    first, second = source.splits["train"]
    assert first.captions == ("A dog , running .", "A dog .")
    assert (second.name, second.captions) == ("b.jpg", ("A cat .",))
    assert first.path == str(tmp_path / "Flicker8k_Dataset/Images/a.jpg")
    assert first.image_id != second.image_id


def test_lists_choose_the_splits(tmp_path):
    (tmp_path / "Flickr8k.token.txt").write_text("".join(f"{c}.jpg#0\tA {c}.\n" for c in "abcd"))
    for split, names in (("train", "a x"), ("dev", "b"), ("test", "c")):
        lines = "".join(f"{name}.jpg\n" for name in names.split())
        (tmp_path / f"Flickr_8k.{split}Images.txt").write_text(lines)
    save_image(tmp_path / "images/a.jpg")
    source = open_source("flickr_captions", str(tmp_path))
    assert names_of(source) == {"train": ["a.jpg"], "val": ["b.jpg"], "test": ["c.jpg"]}
    assert [each.message for each in source.problems] == [
        "1 images without a caption in Flickr8k.token.txt: x.jpg. They are left out.",
        "1 images are in no list, and left out: d.jpg.",
    ]


def test_a_line_that_is_no_caption_is_named(tmp_path):
    (tmp_path / "captions.txt").write_text("image,caption\na.jpg,A dog.\nwhat\n")
    with pytest.raises(ValueError, match=r"captions\.txt, line 3: 'what' is no image and caption"):
        open_source("flickr_captions", str(tmp_path))


def test_folders_of_another_layout_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match=r"holds notes\.txt and no table of captions"):
        open_source("flickr_captions", str(tmp_path))
    (tmp_path / "captions.txt").write_text("a.jpg,A dog.\n")
    with pytest.raises(ValueError, match=r"has no folder with a\.jpg, the first image"):
        open_source("flickr_captions", str(tmp_path))
