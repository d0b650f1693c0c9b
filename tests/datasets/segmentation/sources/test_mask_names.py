"""sources.mask_names: the image of a mask of another name."""

import pytest

from datasets.segmentation.sources import mask_names
from datasets.segmentation.sources.mask_names import Affix
from tests.datasets.segmentation.sources.test_pairing import (
    match,
    only_problem,
    pairs,
    save_images,
    save_masks,
)


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("{}.jpg", "{}_mask.png"),
        ("{}.jpg", "{}-label.png"),
        ("{}.jpg", "{}_L.png"),
        ("{}.jpg", "{}.jpg.png"),
        ("{}.jpg", "mask_{}.png"),
        ("{}.jpg", "mask{}.png"),
        ("{}.jpg", "{} gt.png"),
        ("{}_sat.jpg", "{}_mask.png"),
        ("image_{}.jpg", "gt_{}.png"),
        ("img{}.jpg", "label{}.png"),
        ("town/{}.jpg", "town/{}_mask.png"),
        ("town/{}.jpg", "{}_mask.png"),
    ],
)
def test_one_affix_for_all_masks(tmp_path, image, mask):
    cores = ["1", "11", "12"]
    save_images(tmp_path, *map(image.format, cores))
    save_masks(tmp_path, *map(mask.format, cores))
    found = set(pairs(tmp_path).values())
    assert found == {(image.format(core), mask.format(core)) for core in cores}
    severity, kind, text = only_problem(tmp_path)
    assert (severity, kind) == ("warning", "names")
    assert "Check that this is right" in text


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        (["1", "2"], ["11", "12"]),
        (["cam1_1", "cam1_2"], ["cam2_1", "cam2_2"]),
        (["a", "b"], ["a_mask", "b_label"]),
        (["10", "20"], ["1", "2"]),
    ],
)
def test_other_names_are_not_guessed(tmp_path, images, masks):
    save_images(tmp_path, *(f"{name}.jpg" for name in images))
    save_masks(tmp_path, *(f"{name}.png" for name in masks))
    with pytest.raises(ValueError, match="no example has both an image in"):
        match(tmp_path).choose("train")


def test_names_that_agree_are_believed_before_affixes(tmp_path):
    save_images(tmp_path, "a.jpg", "a_mask.jpg")
    save_masks(tmp_path, "a_mask.png")
    assert match(tmp_path).masks.keys() == {"a_mask"}


def test_an_affix_is_taken_from_the_last_part_of_a_name():
    affix = Affix("gt_", "_v2")
    assert str(affix) == "gt_NAME_v2"
    cores = {"town/gt_a_v2": "town/a", "gt_a_v2": "a"}
    cores.update(dict.fromkeys(("gt_a", "a_v2", "gt__v2", "gt_v2", "town_gt_a_v2")))
    assert {name: affix.strip(name) for name in cores} == cores


def test_only_masks_of_other_names_are_renamed_and_the_affixes_told():
    names, affixes = mask_names.rename_masks(["a", "b", "c"], ["a_gt", "b_gt", "d_gt"])
    assert names == {"a_gt": "a", "b_gt": "b"}
    assert affixes == (Affix(), Affix("", "_gt"))
    assert mask_names.rename_masks(["a", "b"], ["a", "b"]) == ({}, None)
    assert mask_names.rename_masks(["im_a", "im_b"], ["a_gt", "b_gt"]) == (
        {"a_gt": "im_a", "b_gt": "im_b"},
        (Affix("im_", ""), Affix("", "_gt")),
    )


def test_folders_on_one_side_only_are_looked_through_for_names_that_are_there_once():
    images = ["x/a", "y/a", "x/b", "y/c"]
    assert mask_names.rename_masks(images, ["a", "b", "c"]) == ({"b": "x/b", "c": "y/c"}, None)
    assert mask_names.rename_masks(["b", "c"], ["x/b", "x/c", "y/c"]) == ({"x/b": "b"}, None)
    both = mask_names.rename_masks(["x/b"], ["y/b"])
    assert both == ({}, None)
