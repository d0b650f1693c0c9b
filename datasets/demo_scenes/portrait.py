"""Draws things of one kind, large, for images that show one class each.

What stands where, in which light and before what says nothing of the kind: all kinds share skies,
grounds, colors, sizes and places. A boat may lie on a road.
"""

import functools

import numpy as np

from datasets.demo_scenes.brush import draw_thing
from datasets.demo_scenes.scene import MOODS, Scene, ground_tile, photograph

# Height of a thing whose larger side is 1: cars are wide, and balloons and people are not.
_HEIGHTS = {
    "balloon": 1.0,
    "boat": 0.85,
    "car": 0.42,
    "house": 0.8,
    "person": 1.0,
    "tree": 1.0,
}
KINDS = tuple(_HEIGHTS)
# How often there are one, two and three of a kind, and their larger sides as shares of the image's.
_FREQUENCIES = (0.6, 0.3, 0.1)
_SIZES = ((0.6, 0.9), (0.46, 0.64), (0.38, 0.5))
# Tiles of ground that all images share: drawing one takes a quarter of an image's time.
_NUM_TILES = 16

_ground_tile = functools.cache(lambda number: ground_tile(np.random.default_rng(number)))


def draw_portrait(rng: np.random.Generator, kind: str, height: int, width: int) -> np.ndarray:
    """Draws one to three things of a kind, one of `KINDS`; everything that varies comes from `rng`.

    Returns:
      uint8 [height, width, 3], RGB.
    """
    tile = _ground_tile(int(rng.integers(_NUM_TILES)))
    scene = Scene(rng, height, width, MOODS[rng.integers(len(MOODS))], tile)
    scene.paint_sky()
    scene.paint_grounds()
    for _ in range(rng.integers(0, 3)):
        y, x = rng.uniform(scene.horizon, height), rng.uniform(0, width)
        draw_thing(scene, "rock", x, y, height * rng.uniform(0.05, 0.12), 0.1)
    count = int(rng.choice(len(_FREQUENCIES), p=_FREQUENCIES)) + 1
    slots = rng.permutation(count)
    places = []
    for slot in slots:
        side = min(height, width) * rng.uniform(*_SIZES[count - 1])
        size = side * _HEIGHTS[kind]
        x = (slot + rng.uniform(0.3, 0.7)) / count * width
        x = np.clip(x, 0.35 * side, max(0.35 * side, width - 0.35 * side))
        places.append((rng.uniform(max(0.5 * height, size), 0.98 * height), float(x), size))
    for y, x, size in sorted(places):
        draw_thing(scene, kind, x, y, size, scene.mood.mist * rng.uniform(0, 0.4))
    return photograph(rng, scene.develop()[0])
