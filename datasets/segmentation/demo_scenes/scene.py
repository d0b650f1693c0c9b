"""Composes a scene: a small town by the water, seen from the side of a road or a quay."""

import cv2
import numpy as np

from datasets.segmentation.demo_scenes.canvas import Canvas, Light
from datasets.segmentation.demo_scenes.extras import draw_lamp, draw_rock
from datasets.segmentation.demo_scenes.landscape import MOODS, Landscape
from datasets.segmentation.demo_scenes.people import draw_person
from datasets.segmentation.demo_scenes.town import draw_house, draw_tree
from datasets.segmentation.demo_scenes.vehicles import (
    draw_balloon,
    draw_boat,
    draw_car,
)

# The ground from the horizon to the viewer: what it is, and where its far edge lies between the
# horizon (0) and the image's bottom (1).
_GROUNDS = {
    "coast": (("water", 0.0), ("shore", 0.36), ("road", 0.55), ("lawn", 0.82)),
    "harbour": (("land", 0.0), ("road", 0.28), ("lawn", 0.52), ("water", 0.62)),
    "canal": (("land", 0.0), ("water", 0.24), ("lawn", 0.50), ("road", 0.60), ("lawn", 0.88)),
    "village": (("land", 0.0), ("road", 0.46), ("lawn", 0.76)),
}
_SHARES = {"coast": 0.34, "harbour": 0.3, "canal": 0.26, "village": 0.10}

# What stands where: (draw function, least, most, farthest and nearest place on that ground).
_CROWDS = {
    "land": (
        (draw_house, 2, 4, 0.2, 0.75),
        (draw_tree, 2, 4, 0.4, 0.98),
    ),
    "shore": (
        (draw_house, 1, 2, 0.3, 0.8),
        (draw_tree, 1, 3, 0.2, 0.98),
    ),
    "road": (
        (draw_car, 1, 3, 0.42, 0.88),
        (draw_person, 0, 2, 0.1, 0.9),
        (draw_lamp, 0, 2, 0.0, 0.02),
    ),
    "lawn": (
        (draw_person, 1, 2, 0.4, 1.0),
        (draw_tree, 0, 1, 0.4, 1.0),
        (draw_rock, 0, 2, 0.2, 1.0),
    ),
    "water": ((draw_boat, 1, 3, 0.3, 0.95), (draw_rock, 0, 1, 0.2, 0.9)),
}
_SLOTS = 5

# Height in pixels at the bottom of an image that is 192 high, and half of the width that a
# thing covers on the ground, in units of its height.
_SIZES = {
    draw_house: (95, 130, 0.55),
    draw_tree: (85, 140, 0.25),
    draw_car: (28, 35, 1.2),
    draw_person: (58, 74, 0.16),
    draw_boat: (64, 86, 0.0),
    draw_rock: (12, 26, 1.0),
    draw_lamp: (70, 80, 0.04),
}


def draw_scene(rng: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws one scene.

    Args:
      rng: source of everything that varies.
      height, width: size of the image.

    Returns:
      The image, uint8 [height, width, 3], RGB; and its mask, uint8 [height, width], class ids
      and `classes.IGNORED`.
    """
    mood = MOODS[rng.integers(len(MOODS))]
    side = rng.choice([-1, 1]) * rng.uniform(0.4, 1.0)
    light = Light(side, mood.tint, mood.horizon, mood.contrast)
    canvas = Canvas(rng, height, width, light)
    land = Landscape(canvas, rng, mood, horizon=height * rng.uniform(0.32, 0.44))
    land.paint_sky()
    land.paint_hills()
    things = _paint_grounds(land, rng)
    for _ in range(rng.integers(1, 3)):
        size = height * rng.uniform(0.19, 0.36)
        draw_balloon(
            canvas,
            rng,
            rng.uniform(0.05, 0.95) * width,
            rng.uniform(size, max(size + 1, land.horizon + 6)),
            size,
            rng.uniform(0, 0.25),
        )
    for y, x, draw in sorted(things, key=lambda thing: thing[0]):
        near = 0.36 + 0.64 * land.depth(y)
        least, most, footprint = _SIZES[draw]
        size = rng.uniform(least, most) * near * height / 192
        _cast_shadow(canvas, x, y, size, footprint)
        draw(canvas, rng, x, y, size, mood.mist * 0.6 * (1 - near))
    image, mask = canvas.develop()
    return _photograph(rng, image), mask


def _paint_grounds(land: Landscape, rng: np.random.Generator) -> list:
    """Paints the ground and chooses what stands on it: a list of (y, x, draw function)."""
    canvas = land.canvas
    name = rng.choice(list(_SHARES), p=list(_SHARES.values()))
    slope = rng.normal(0, 0.10) * canvas.height
    kinds = [kind for kind, _ in _GROUNDS[name]]
    edges = []
    for kind, share in _GROUNDS[name]:
        share = share + rng.uniform(-0.03, 0.03) if share else share
        y = land.horizon + share * (canvas.height - land.horizon)
        tilt = slope * share * (2.5 if kind == "shore" else 1)
        edges.append(land.wave(y, tilt, canvas.height * 0.02 * (share > 0)))
    edges.append(np.full_like(edges[0], canvas.height + 6.0))
    paint = {"water": land.paint_water, "road": land.paint_road}
    things = []
    for index, kind in enumerate(kinds):
        far, near = edges[index], edges[index + 1]
        paint.get(kind, land.paint_field)(far, near)
        things += _populate(land, rng, kind, far, near)
    return things


def _populate(land: Landscape, rng: np.random.Generator, kind: str, far, near) -> list:
    """Chooses what stands on one ground: a list of (y, x, draw function)."""
    width, bottom = land.canvas.width, land.canvas.height + 4
    things = []
    for draw, least, most, farthest, nearest in _CROWDS[kind]:
        count = rng.integers(least, most + 1)
        for slot in rng.permutation(_SLOTS)[:count]:
            x = (slot + rng.uniform(0.1, 0.9)) / _SLOTS * width
            low, high = land.height_at(far, x), land.height_at(near, x)
            y = low + rng.uniform(farthest, nearest) * (high - low)
            things.append((min(y, bottom), x, draw))
    return things


def _cast_shadow(canvas: Canvas, x: float, y: float, size: float, footprint: float) -> None:
    if not footprint:
        return
    half = footprint * size
    reach = -canvas.light.side * 0.35 * size
    flat = 0.07 * size + 1
    shadow = [[x - half, y + flat * 0.4], [x + half, y + flat * 0.4],
              [x + half + reach, y - flat * 1.2], [x - half + reach, y - flat * 1.2]]  # fmt: skip
    canvas.darken(shadow, 0.42 * canvas.light.contrast, softness=1.3)


def _photograph(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Returns what a camera makes of an image: float32 0..1 → uint8 with blur and noise."""
    height, width = image.shape[:2]
    blur = rng.uniform(0, 0.8)
    if blur > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    vignette = 1 - rng.uniform(0, 0.16) * (x * x + y * y)
    gain = rng.uniform(0.86, 1.12) * (1 + rng.normal(0, 0.03, 3))
    image = image * vignette[..., None] * gain
    image = image + rng.normal(0, rng.uniform(0.005, 0.024), image.shape)
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
