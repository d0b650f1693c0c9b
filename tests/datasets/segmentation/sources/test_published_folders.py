"""sources.published_folders: splits made of pairs of folders."""

import numpy as np
import pytest

from datasets.segmentation.sources import published_folders
from datasets.segmentation.sources.listing import NoMasksError
from datasets.segmentation.sources.published_folders import Part
from tests.support.sample_images import save, save_pair, smooth_rgb

IDS = np.zeros((2, 4), np.uint8)


def part(folder, prefix="") -> Part:
    return Part(f"{folder}/images", f"{folder}/masks", prefix)


def test_parts_of_a_split_are_joined_under_their_prefixes(tmp_path):
    save_pair(tmp_path / "a", "1", IDS)
    save_pair(tmp_path / "b", "1", IDS)
    splits, problems = published_folders.open_parts(
        {
            "train": [part(tmp_path / "b", "B/"), part(tmp_path / "a", "A/"), part(tmp_path / "c")],
            "test": [part(tmp_path / "d")],
        }
    )
    assert {split: [each.name for each in found] for split, found in splits.items()} == {
        "train": ["A/1", "B/1"]
    }
    assert problems == ()


def test_known_affixes_need_no_warning_and_other_problems_keep_their_example(tmp_path):
    for name in ("x", "y"):
        save(tmp_path / f"images/{name}.jpg", smooth_rgb(2, 4))
        save(tmp_path / f"masks/{name}_train_id.png", IDS)
    save(tmp_path / "images/y.png", smooth_rgb(2, 4))
    splits, problems = published_folders.open_parts({"train": [part(tmp_path, "A/")]})
    assert [each.name for each in splits["train"]] == ["A/x", "A/y"]
    assert [(each.kind, each.name) for each in problems] == [("stem", "A/y")]


def test_splits_without_masks(tmp_path):
    save_pair(tmp_path / "a", "1", IDS)
    save(tmp_path / "t/images/1.jpg", smooth_rgb(2, 4))
    splits, problems = published_folders.open_parts(
        {"train": [part(tmp_path / "a")], "test": [part(tmp_path / "t")]}
    )
    assert [*splits] == ["train"]
    assert [each.kind for each in problems] == ["split"]
    with pytest.raises(NoMasksError, match=r"t/masks does not exist"):
        published_folders.open_parts({"train": [part(tmp_path / "t")]})
    with pytest.raises(ValueError, match=r"the first expected is .*nothing/images\."):
        published_folders.open_parts({"train": [part(tmp_path / "nothing")]})
