"""datasets.demo_scenes.portrait: things of one kind, large enough to be told."""

import numpy as np
import pytest

from datasets.demo_scenes import portrait
from datasets.demo_scenes.classes import CLASS_NAMES
from datasets.demo_scenes.scene import Scene


@pytest.mark.parametrize("kind", portrait.KINDS)
def test_every_image_shows_its_kind_and_no_other(kind, monkeypatch):
    masks = []

    def develop(scene):
        masks.append(scene.ids[1::3, 1::3].copy())
        return original(scene)

    original = Scene.develop
    monkeypatch.setattr(Scene, "develop", develop)
    for seed in range(12):
        image = portrait.draw_portrait(np.random.default_rng(seed), kind, 96, 88)
        assert (image.shape, image.dtype) == ((96, 88, 3), np.uint8)
    things = {"house", "tree", "car", "boat", "person", "balloon"}
    for mask in masks:
        shown = {CLASS_NAMES[index] for index in np.unique(mask) if index < len(CLASS_NAMES)}
        assert shown & things == {kind}
        rows, columns = np.nonzero(mask == CLASS_NAMES.index(kind))
        assert max(np.ptp(rows), np.ptp(columns)) >= 24
        assert len(rows) >= 150


def test_an_image_depends_on_its_seed_only():
    first, same, other = (
        portrait.draw_portrait(np.random.default_rng(seed), "car", 64, 64) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
