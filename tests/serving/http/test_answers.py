"""Forms of predictions that tests of the endpoints do not see from outside."""

import json

import numpy as np
import pytest

from serving.http import answers, rle
from serving.http.refusals import Refusal


class Toy:
    """What an overlay needs of a predictor."""

    class model:
        palette = ((0, 0, 0), (255, 0, 0))
        class_names = ("background", "red")


# Written by pycocotools 2.0: `mask.encode(np.asfortranarray(array))["counts"]`.
PUBLISHED = [
    (np.zeros([3, 4], bool), "<"),
    (np.ones([3, 4], bool), "0<"),
]


@pytest.mark.parametrize(("mask", "counts"), PUBLISHED)
def test_masks_of_one_value_are_one_run(mask, counts):
    assert rle.encode(mask) == counts


def test_differences_are_to_the_last_but_one_run():
    mask = np.zeros([1, 12], bool)
    mask[0, [1, 2, 5, 9]] = True  # Runs of 1 2 2 1 3 1 2.
    # 1, 2, 2, then 1-2, 3-2, 1-1, 2-3; minus one is 5 bits of ones, without a further piece.
    assert rle.encode(mask) == "122O10O"


@pytest.mark.parametrize("seed", range(5))
def test_a_mask_comes_back(seed):
    random = np.random.RandomState(seed)
    mask = random.rand(*random.randint(1, 300, 2)) < random.rand()
    mask[: random.randint(0, 300)] = seed % 2
    np.testing.assert_array_equal(rle.decode(rle.encode(mask), *mask.shape), mask)


def test_classes_are_named_or_numbered():
    names = ["sky", "tree", "tree"]
    assert answers.find_classes("tree, 0", names) == {0, 1, 2}
    assert answers.find_classes("", names) == set()
    for wrong in ("3", "-1", "²", "cow"):
        with pytest.raises(Refusal, match="there is no class"):
            answers.find_classes(wrong, names)


def test_json_keeps_letters_of_every_language():
    assert json.loads(answers.to_json({"name": "Straße 道"})) == {"name": "Straße 道"}
    assert json.loads(answers.to_json({"id": "\ud800"})) == {"id": "\ud800"}


def test_an_image_too_long_for_a_jpeg_is_refused_with_the_form_that_takes_it():
    image = np.zeros([1, 65_501, 3], np.uint8)
    how = (image, image[..., 0], Toy(), 0.5, None)
    with pytest.raises(Refusal, match="at most 65500 rows and columns"):
        answers.overlay(*how, "JPEG")
    assert answers.overlay(*how, "PNG").startswith(b"\x89PNG")
