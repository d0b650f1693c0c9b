"""sources.pairing: which mask belongs to which image, and what is left out."""

import os
import unicodedata

import numpy as np
import pytest

from datasets.segmentation.sources import listing, pairing
from tests.support.sample_images import save, smooth_rgb

IDS = np.zeros((4, 6), np.uint8)


def save_images(root, *names: str) -> None:
    for name in names:
        path = root / "images" / name
        save(path, smooth_rgb(4, 6), format=None if path.suffix != ".jfif" else "JPEG")


def save_masks(root, *names: str) -> None:
    for name in names:
        save(root / "masks" / name, IDS)


def match(root) -> pairing.Pairing:
    return pairing.match(
        listing.index_images(str(root / "images")), listing.index_masks(str(root / "masks"))
    )


def pairs(root) -> dict[str, tuple[str, str]]:
    """Name of each example: its image and its mask, relative to their folders."""
    matched = match(root)
    samples, problems = matched.choose("train")
    assert problems == ()
    return {
        sample.name: (
            os.path.relpath(sample.image_path, root / "images"),
            os.path.relpath(sample.mask_path, root / "masks"),
        )
        for sample in samples
    }


def only_problem(root) -> tuple[str, str, str]:
    matched = match(root)
    (problem,) = (*matched.problems, *matched.choose("train")[1])
    return (
        problem.severity,
        problem.kind,
        f"{os.path.relpath(problem.path, root)}: " + (problem.message),
    )


# --- folders


def test_folders_on_both_sides(tmp_path):
    save_images(tmp_path, "a.jpg", "town/a.jpg", "town/old/b.png")
    save_masks(tmp_path, "a.png", "town/a.png", "town/old/b.png")
    assert match(tmp_path).problems == ()
    assert pairs(tmp_path) == {
        "a": ("a.jpg", "a.png"),
        "town/a": ("town/a.jpg", "town/a.png"),
        "town/old/b": ("town/old/b.png", "town/old/b.png"),
    }


def test_folders_of_images_only(tmp_path):
    save_images(tmp_path, "a.jpg", "town/b.jpg", "lake/c.jpg")
    save_masks(tmp_path, "a.png", "b.png", "c.png")
    assert match(tmp_path).problems == ()
    assert pairs(tmp_path) == {
        "a": ("a.jpg", "a.png"),
        "lake/c": ("lake/c.jpg", "c.png"),
        "town/b": ("town/b.jpg", "b.png"),
    }


def test_folders_of_masks_only(tmp_path):
    save_images(tmp_path, "a.jpg", "b.jpg")
    save_masks(tmp_path, "one/a.png", "two/b.png")
    assert pairs(tmp_path) == {"a": ("a.jpg", "one/a.png"), "b": ("b.jpg", "two/b.png")}


def test_a_name_in_two_folders_is_not_guessed(tmp_path):
    save_images(tmp_path, "a.jpg", "town/b.jpg", "lake/b.jpg", "town/c.jpg")
    save_masks(tmp_path, "a.png", "b.png", "c.png")
    matched = match(tmp_path)
    assert matched.masks["town/c"].endswith("masks/c.png")
    assert not {"town/b", "lake/b"} & matched.masks.keys()
    assert "b" in matched.names


def test_a_mask_is_not_taken_from_another_folder(tmp_path):
    save_images(tmp_path, "x/a.jpg", "x/b.jpg")
    save_masks(tmp_path, "x/a.png", "y/b.png")
    matched = match(tmp_path)
    assert "x/b" not in matched.masks
    assert "x/b" in matched.names


@pytest.mark.parametrize("side", ["images", "masks"])
def test_a_folder_without_a_counterpart_is_counted(tmp_path, side):
    save_images(tmp_path, "a.jpg")
    save_masks(tmp_path, "a.png")
    for name in ("b", "c"):
        save(tmp_path / side / "more" / f"{name}.png", smooth_rgb(4, 6))
    assert list(pairs(tmp_path)) == ["a"]
    severity, kind, text = only_problem(tmp_path)
    assert (severity, kind) == ("warning", "unused")
    assert text.startswith(f"{side}/more: 2 files are left out, since ")


def test_brackets_in_names_are_no_patterns(tmp_path):
    root = tmp_path / "cars [v2] *?'\""
    save_images(root, "a [1].jpg", "b*.jpg", "c?/d.jpg")
    save_masks(root, "a [1].png", "b*.png", "c?/d.png")
    assert list(pairs(root)) == ["a [1]", "b*", "c?/d"]


# --- letters


@pytest.mark.parametrize(("image_form", "mask_form"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_composed_and_decomposed_letters_are_one_name(tmp_path, image_form, mask_form):
    names = ["café 1", "Ñandú/forêt", "각"]
    save_images(tmp_path, *(unicodedata.normalize(image_form, n) + ".jpg" for n in names))
    save_masks(tmp_path, *(unicodedata.normalize(mask_form, n) + ".png" for n in names))
    assert list(pairs(tmp_path)) == sorted(names)
    assert match(tmp_path).problems == ()


def test_one_name_in_both_forms_is_a_double(tmp_path):
    save_images(tmp_path, *(unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD")))
    save_masks(tmp_path, "é.png")
    assert only_problem(tmp_path)[:2] == ("error", "stem")


def test_a_name_that_is_not_utf8_is_one_error(tmp_path):
    save_images(tmp_path, "a.jpg", "b.jpg")
    save_masks(tmp_path, "a.png", "b.png")
    for side, ending in (("images", ".jpg"), ("masks", ".png")):
        os.rename(
            os.fsencode(tmp_path / side / f"b{ending}"),
            os.fsencode(tmp_path / side) + b"/caf\xe9" + ending.encode(),
        )
    assert list(pairs(tmp_path)) == ["a"]
    severity, kind, text = only_problem(tmp_path)
    assert (severity, kind) == ("error", "name")
    assert "is not UTF-8" in text
    (problem,) = match(tmp_path).problems
    assert problem.name == r"caf\udce9"


def test_names_of_other_capitals_are_asked_about_once(tmp_path):
    save_images(tmp_path, "a.jpg", "IMG_1.JPG")
    save_masks(tmp_path, "a.PNG", "img_1.png")
    matched = match(tmp_path)
    samples, (problem,) = matched.choose("train")
    assert [sample.name for sample in samples] == ["a"]
    assert (problem.kind, problem.name) == ("missing", "IMG_1")
    assert problem.path.endswith("images/IMG_1.JPG")
    assert "did you mean 'img_1.png'?" in problem.message


def test_only_one_image_and_one_mask_may_be_meant_as_a_pair(tmp_path):
    save_images(tmp_path, "a.jpg", "B.jpg", "b.jpg", "C.jpg", "c.jpg")
    save_masks(tmp_path, "a.png", "b.png", "D.png", "d.png")
    assert match(tmp_path).near == {}


def test_only_other_capitals_is_an_error_that_asks(tmp_path):
    save_images(tmp_path, "A.jpg")
    save_masks(tmp_path, "a.png")
    with pytest.raises(ValueError, match=r"Did you mean 'A' and 'a' to be a pair\?"):
        match(tmp_path).choose("train")
