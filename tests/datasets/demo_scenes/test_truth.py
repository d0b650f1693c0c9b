"""How much of captions is true, counted by hand."""

import pytest

from datasets.demo_scenes import truth
from datasets.demo_scenes.postcard import Facts, Group
from datasets.demo_scenes.truth import Truth

FACTS = Facts("day", "road", (Group("car", 1),), balloons=2, side="left")


def test_a_true_caption_and_one_that_is_half_true():
    caption = "a car on the left on a road and two balloons in the sky by day"
    assert truth.score([(FACTS, caption)]) == Truth(1, 1, 1, 1, 1, 1)
    other = "two cars and a tree on the right on a road at night"
    shares = truth.score([(FACTS, caption), (FACTS, other)])
    assert shares == Truth(
        there=pytest.approx(3 / 4),  # Cars, balloons, cars; and the tree is not.
        counted=pytest.approx(2 / 4),
        named=pytest.approx(3 / 4),
        time=0.5,
        ground=1,
        side=0.5,
    )


def test_captions_of_nothing():
    assert truth.score([(FACTS, "on a road")]) == Truth(0, 0, 0, 0, 1, 1)
    with pytest.raises(ValueError, match="no captions to compare"):
        truth.score([])
