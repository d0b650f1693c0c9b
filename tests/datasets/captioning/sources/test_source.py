"""What the sources of captions share."""

import pytest

from datasets.captioning.sources import source
from tests.support.captioned_images import save_image


def test_images_are_found_two_folders_down(tmp_path):
    save_image(tmp_path / "images/all/a.jpg")
    assert source.find_images(str(tmp_path), "a.jpg", "x") == str(tmp_path / "images/all")
    save_image(tmp_path / "a.jpg")
    assert source.find_images(str(tmp_path), "a.jpg", "x") == str(tmp_path)
    with pytest.raises(ValueError, match=r"no folder with b\.jpg, .* Expected a table\."):
        source.find_images(str(tmp_path), "b.jpg", "a table")


def test_empty_captions_are_left_out_and_told_and_none_at_all_is_an_error():
    problems = []
    sample = source.make_sample("a", "a.jpg", 1, ["A dog.", " "], "val", "x/table", problems)
    assert sample.captions == ("A dog.",)
    assert (problems[0].severity, problems[0].kind, problems[0].name) == (
        "warning",
        "empty caption",
        "a",
    )
    source.make_sample("b", "b.jpg", 2, [], "val", "x/table", problems)
    assert problems[1].severity == "error"
    assert problems[1].message == "has no caption in table. Add one, or remove the image."


def test_a_source_has_its_splits_in_order_and_one_drawn_for_val():
    names = [f"{index}.jpg" for index in range(20)]
    samples = [source.Sample(name, name, source.number_of(name), ("A.",)) for name in names]
    made = source.make_source("/data/birds", {"train": samples[::-1]}, None, 0, ())
    assert made.name == "birds"
    assert {split: len(each) for split, each in made.splits.items()} == {"train": 18, "val": 2}
    train = [each.name for each in made.splits["train"]]
    assert train == sorted(train)
    assert list(made.captions()) == ["A."] * 18
    again = source.make_source("/data/birds", {"train": samples}, None, 0, ())
    assert again == made
    assert len({each.image_id for each in samples}) == 20
