"""datasets.demo_scenes.postcard: what is said to be there can be seen."""

import collections

import numpy as np
import pytest

from datasets.demo_scenes import brush, postcard
from datasets.demo_scenes.classes import CLASS_NAMES
from datasets.demo_scenes.postcard import Facts, Group

SIZE = 111


def plans(count: int) -> list[Facts]:
    return [postcard.plan(np.random.default_rng([0, seed])) for seed in range(count)]


@pytest.fixture
def draw(monkeypatch):
    """Draws a postcard; returns it, and of each thing its kind and its masks, drawn and visible."""
    drawn: list[tuple[str, np.ndarray]] = []
    scenes = []

    def draw_thing(scene, kind, *where):
        # Where the class is painted, which shadows are not.
        before = scene.ids.copy()
        scene.ids[:] = 200
        brush.draw_thing(scene, kind, *where)
        mask = scene.ids != 200
        scene.ids[~mask] = before[~mask]
        drawn.append((kind, mask))
        scenes.append(scene)

    monkeypatch.setattr(postcard, "draw_thing", draw_thing)

    def draw(seed: int, facts: Facts):
        drawn.clear()
        image = postcard.draw(np.random.default_rng([1, seed]), facts, SIZE, SIZE)
        owner = np.full(scenes[-1].ids.shape, -1)
        for index, (_, mask) in enumerate(drawn):
            owner[mask] = index
        things = [(kind, mask, owner == index) for index, (kind, mask) in enumerate(drawn)]
        return image, scenes[-1], things

    return draw


def test_things_are_there_in_their_number_and_can_be_seen_in_any_part(draw):
    smallest = round(SIZE * 3 * 0.14)
    for seed, facts in enumerate(plans(100)):
        image, scene, things = draw(seed, facts)
        assert (image.shape, image.dtype) == ((SIZE, SIZE, 3), np.uint8)
        assert collections.Counter(kind for kind, _, _ in things) == facts.counts
        for kind, mask, visible in things:
            part = visible[smallest:-smallest, smallest:-smallest]
            assert part.sum() > 0.7 * mask.sum(), (seed, kind)
            assert part.mean() > 0.004, (seed, kind)
            assert (scene.ids[visible] == CLASS_NAMES.index(kind)).all()


def test_a_single_thing_is_on_its_side(draw):
    for side, low, high in (("left", 0, 0.42), ("middle", 0.35, 0.65), ("right", 0.58, 1)):
        for seed in range(6):
            facts = Facts("day", "meadow", (Group("house", 1),), 1, side)
            _, _, things = draw(seed, facts)
            (mask,) = (mask for kind, mask, _ in things if kind == "house")
            assert low < np.nonzero(mask)[1].mean() / mask.shape[1] < high


def test_the_ground_and_the_time_of_day_can_be_seen(draw):
    def colors(time, ground):
        images = [draw(seed, Facts(time, ground, (Group("tree", 1),)))[0] for seed in range(12)]
        return np.stack([image[-12:].mean(axis=(0, 1)) for image in images])

    meadow, snow = colors("day", "meadow"), colors("day", "snow")
    assert (meadow[:, 1] > meadow[:, 2] + 20).all()  # Green, and not blue.
    assert snow.mean(axis=1).min() > meadow.mean(axis=1).max()
    assert colors("night", "meadow").mean() < 0.75 * meadow.mean()
    _, scene, _ = draw(0, Facts("fog", "water", (Group("boat", 1),)))
    assert (scene.ids[-1] == CLASS_NAMES.index("water")).all()
    _, scene, _ = draw(0, Facts("fog", "road", (Group("car", 1),)))
    assert (scene.ids[-1] == CLASS_NAMES.index("road")).all()


def test_plans_are_of_all_kinds():
    found = plans(400)
    assert {facts.time for facts in found} == set(postcard.TIMES)
    assert {facts.ground for facts in found} == set(postcard.GROUNDS)
    assert {kind for facts in found for kind in facts.counts} == set(postcard.KINDS)
    for facts in found:
        assert {group.kind for group in facts.things} <= set(postcard.GROUNDS[facts.ground])
        total = sum(group.count for group in facts.things)
        assert 1 <= total <= postcard.MOST
        assert (facts.side is None) == (total > 1)


def test_an_image_depends_on_its_seed_and_its_facts_only():
    facts = Facts("sunset", "road", (Group("car", 2),), balloons=1)
    first, same, other = (
        postcard.draw(np.random.default_rng(seed), facts, 64, 72) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
