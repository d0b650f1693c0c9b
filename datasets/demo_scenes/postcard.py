"""Draws postcards: one to three large things on one ground, balloons above, at a time of day.

What a postcard shows is planned first (`plan`), so that it can be put in words without its image,
and then drawn (`draw`): each thing in a place of its own, where hardly anything covers it, and so
far from the edges that it is in every part of the image of 86 % of its height and width.
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping

import numpy as np

from datasets.demo_scenes.brush import draw_thing
from datasets.demo_scenes.scene import MOODS, Scene, ground_tile, photograph

# Times of day, and the moods that show them.
TIMES = {"day": (0, 1), "sunset": (2,), "fog": (5,), "night": (6,)}
# What may stand on each ground.
GROUNDS = {
    "water": ("boat",),
    "road": ("car",),
    "meadow": ("house", "tree"),
    "snow": ("house", "tree"),
}
IN_THE_SKY = "balloon"
KINDS = ("boat", "car", "house", "tree", IN_THE_SKY)
LEFT, MIDDLE, RIGHT = "left", "middle", "right"
MOST = 3

_GREENS = ("5c8038", "738f42", "4d703d")
_FIELDS = {"water": _GREENS, "road": _GREENS, "meadow": _GREENS, "snow": ("e6ebf2",)}
# How often there are one, two and three things on the ground, and none to two balloons.
_COUNTS, _BALLOONS = (0.4, 0.35, 0.25), (0.5, 0.3, 0.2)
# How often two kinds stand on the ground, where there are several things and kinds.
_MIXED = 0.2
# Shares of the image's width and height: where things may be, and how wide a place is. Three have
# as much as one: a network learns to count much later where size makes up for number.
_LEFT, _RIGHT, _SKY_TOP, _SKY_BOTTOM, _BOTTOM = 0.13, 0.87, 0.12, 0.44, 0.85
_PLACE, _SKY_PLACE = 0.25, 0.26
# Heights of things that fill a place of width 1.
_HEIGHTS = {"boat": 0.9, "car": 0.4, "house": 0.62, "tree": 1.0, IN_THE_SKY: 1.0}
# Each kind has colors of its own, so that a network learns to tell them within a minute.
_COLORS: Mapping[str, Mapping[str, str]] = {
    "boat": dict.fromkeys(("cloth", "paint", "plank", "wall"), "f7f7f2 ede6d1 2e61a8 293361"),
    "car": dict.fromkeys(("paint",), "c7332b 9e212e e06b2e edad38"),
    "house": {"wall": "f2d680 ede6d1 e6b8ad", "roof": "9e212e c7332b", "cloth": "ccbda3 e6b8ad"},
    "tree": {"leaf": "336b29 245233 4d802e"},
    IN_THE_SKY: {},
}
# Centers of the places of a single thing.
_CENTERS = {LEFT: 0.27, MIDDLE: 0.5, RIGHT: 0.73}
# Tiles of ground that all images share: drawing one takes a quarter of an image's time.
_NUM_TILES = 16

_ground_tile = functools.cache(lambda number: ground_tile(np.random.default_rng(number)))


@dataclasses.dataclass(frozen=True)
class Group:
    """Things of one kind: one of `KINDS`, and how many there are, 1 to `MOST`."""

    kind: str
    count: int


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a postcard shows.

    Attributes:
      time: one of `TIMES`.
      ground: one of `GROUNDS`.
      things: on the ground, of one kind or two.
      balloons: their number, in the sky.
      side: `LEFT`, `MIDDLE` or `RIGHT` where a single thing is on the ground, else None.
    """

    time: str
    ground: str
    things: tuple[Group, ...]
    balloons: int = 0
    side: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each kind that is shown."""
        found = {group.kind: group.count for group in self.things}
        return found | ({IN_THE_SKY: self.balloons} if self.balloons else {})


def plan(rng: np.random.Generator) -> Facts:
    """Decides what a postcard shows."""
    time = str(rng.choice(list(TIMES)))
    ground = str(rng.choice(list(GROUNDS)))
    kinds = [str(kind) for kind in rng.permutation(GROUNDS[ground])]
    count = int(rng.choice(MOST, p=_COUNTS)) + 1
    is_mixed = count > 1 and len(kinds) > 1 and rng.random() < _MIXED
    balloons = int(rng.choice(len(_BALLOONS), p=_BALLOONS))
    side = str(rng.choice(list(_CENTERS))) if count == 1 else None
    things = [Group(kinds[0], count - is_mixed)]
    if is_mixed:
        things.append(Group(kinds[1], 1))
    return Facts(time, ground, tuple(things), balloons, side)


def draw(rng: np.random.Generator, facts: Facts, height: int, width: int) -> np.ndarray:
    """Draws a postcard that shows what it should; everything else comes from `rng`.

    Returns:
      uint8 [height, width, 3], RGB.
    """
    tile = _ground_tile(int(rng.integers(_NUM_TILES)))
    mood = MOODS[rng.choice(TIMES[facts.time])]
    scene = Scene(rng, height, width, mood, tile, str(rng.choice(_FIELDS[facts.ground])))
    scene.paint_sky()
    _paint_grounds(scene, facts.ground)
    for x, share in _places(rng, facts.balloons, _SKY_PLACE):
        size = _size(rng, IN_THE_SKY, share, scene)
        y = rng.uniform(_SKY_TOP * height + size, max(_SKY_BOTTOM * height, size + 0.14 * height))
        draw_thing(scene, IN_THE_SKY, x * width, y, size, mood.mist * rng.uniform(0, 0.3))
    kinds = [group.kind for group in facts.things for _ in range(group.count)]
    places = _places(rng, len(kinds), _PLACE, _CENTERS.get(facts.side or ""))
    standing = []
    for kind, (x, share) in zip(rng.permutation(kinds), places, strict=True):
        size = _size(rng, str(kind), share, scene)
        # Below the balloons and on its ground, as far as its height lets it.
        low = np.clip(_SKY_BOTTOM * height + size, 0.65 * height, 0.82 * height)
        standing.append((rng.uniform(low, _BOTTOM * height), x * width, str(kind), size))
    for y, x, kind, size in sorted(standing):
        draw_thing(scene, kind, x, y, size, mood.mist * rng.uniform(0, 0.3), _COLORS[kind])
    return photograph(rng, scene.develop()[0])


def _paint_grounds(scene: Scene, ground: str) -> None:
    """Paints the ground from the horizon down; before a road there is some land."""
    horizon, end = (np.full_like(scene.x[0], y) for y in (scene.horizon, scene.height + 6))
    first = horizon
    if ground == "road":
        first = horizon + np.float32(scene.rng.uniform(0.1, 0.3) * (scene.height - scene.horizon))
        scene.paint_ground("land", horizon, first)
    scene.paint_ground(ground if ground in ("water", "road") else "land", first, end)


def _places(
    rng: np.random.Generator, count: int, width: float, center: float | None = None
) -> Iterator[tuple[float, float]]:
    """Yields center and width of places beside each other, as shares of the image's width.

    Args:
      width: of a place.
      center: of a single place, about; None for anywhere.
    """
    if not count:
        return
    if center is not None:
        yield center + rng.uniform(-0.02, 0.02), width
        return
    spacing = (_RIGHT - _LEFT) / count
    for slot in range(count):
        yield _LEFT + spacing * (slot + 0.5) + rng.uniform(-0.5, 0.5) * (spacing - width), width


def _size(rng: np.random.Generator, kind: str, width: float, scene: Scene) -> float:
    """Returns the height in pixels of a thing that fits a place of a width."""
    return _HEIGHTS[kind] * width * scene.width * rng.uniform(0.82, 1)
