"""The table of things: that each part can be painted, where it belongs, in any variant."""

import numpy as np
import pytest

from datasets.demo_scenes import brush
from datasets.demo_scenes.canvas import Canvas, Mood
from datasets.demo_scenes.classes import CLASS_NAMES, IGNORED
from datasets.demo_scenes.things import MATERIALS, THINGS

GROUND = 200


def test_a_number_may_depend_on_knobs():
    assert brush._factors("-.05+.12a-.5s") == [-0.05, 0.12, 0, 0, -0.5]
    assert brush._factors("2b") == [0, 0, 2, 0, 0]


def test_every_part_has_a_material_and_numbers_that_its_shape_takes():
    for variants in brush._VARIANTS.values():
        for parts in variants:
            for name, shape, factors in parts:
                assert name.rstrip("+-?").rstrip("12345") in MATERIALS
                outlines = np.asarray(shape(*factors @ np.ones(5)), float)
                assert outlines.shape[-1] == 2
                assert np.isfinite(outlines).all()


@pytest.mark.parametrize("kind", THINGS)
def test_a_thing_stands_where_it_is_put_and_is_of_its_class(kind):
    mood = Mood("000000", "ffffff", tint=(1, 1, 1), contrast=1, clouds=0, mist=0)
    own = {"rock": 0, "bird": 0, "lamp": IGNORED}.get(kind)
    own = CLASS_NAMES.index(kind) if own is None else own
    for seed in range(8):
        canvas = Canvas(np.random.default_rng(seed), 100, 200, mood)
        canvas.ids[:] = GROUND
        brush.draw_thing(canvas, kind, x=100, y=80, size=40, haze=0)
        assert set(np.unique(canvas.ids)) == {own, GROUND}
        rows, columns = np.nonzero(canvas.ids == own)
        assert columns.min() / 3 < 100 < columns.max() / 3
        assert rows.min() / 3 > 10
        assert 70 < rows.max() / 3 < 95
