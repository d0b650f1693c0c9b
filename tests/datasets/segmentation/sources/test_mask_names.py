"""sources.mask_names: the image of a mask of another name."""

import pytest

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
