"""Draws what moves people: cars, boats and balloons."""

import numpy as np

from datasets.segmentation.demo_scenes import classes, colors
from datasets.segmentation.demo_scenes.brush import Brush, box, ellipse
from datasets.segmentation.demo_scenes.canvas import PLAIN, Canvas, Finish
from datasets.segmentation.demo_scenes.town import GLASS

LACQUER = Finish(grain=0.03, shade=0.45)
WOOD = Finish(grain=0.08, shade=0.3, rows=(2.0, 0.14))
CANVAS = Finish(grain=0.04, mottle=0.04, shade=0.3)

# Outlines of car bodies and of their windows, in units of the height, from the rear to the front.
_CARS = {
    "saloon": (
        [[-1.35, 0.22], [-1.38, 0.5], [-1.25, 0.62], [-0.85, 0.66], [-0.55, 0.97], [-0.3, 1.02],
         [0.2, 1.0], [0.62, 0.66], [1.15, 0.58], [1.36, 0.44], [1.38, 0.22]],
        [[[-0.7, 0.66], [-0.48, 0.9], [-0.1, 0.94], [-0.1, 0.66]],
         [[-0.02, 0.66], [-0.02, 0.94], [0.17, 0.92], [0.46, 0.66]]],
    ),
    "hatchback": (
        [[-1.12, 0.22], [-1.16, 0.6], [-1.0, 0.98], [-0.7, 1.04], [0.1, 1.02], [0.5, 0.68],
         [0.98, 0.58], [1.12, 0.45], [1.14, 0.22]],
        [[[-0.98, 0.68], [-0.86, 0.94], [-0.32, 0.96], [-0.32, 0.68]],
         [[-0.22, 0.68], [-0.22, 0.96], [0.08, 0.93], [0.34, 0.68]]],
    ),
    "van": (
        [[-1.3, 0.22], [-1.32, 1.2], [-1.2, 1.28], [0.7, 1.26], [0.86, 1.18], [1.08, 0.76],
         [1.3, 0.66], [1.34, 0.22]],
        [[[0.3, 0.74], [0.3, 1.12], [0.74, 1.12], [0.94, 0.74]],
         [[-0.35, 0.74], [-0.35, 1.12], [0.2, 1.12], [0.2, 0.74]]],
    ),
}  # fmt: skip


def draw_car(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, size: float, haze: float
) -> None:
    """Draws a car of height `size` that stands at (x, y)."""
    brush = Brush(canvas, classes.CAR, x, y, size, mirrored=rng.random() < 0.5, haze=haze)
    name = list(_CARS)[rng.integers(len(_CARS))]
    body, windows = _CARS[name]
    body = np.array(body)
    rear, front = body[:, 0].min(), body[:, 0].max()
    coat = colors.paint(rng)
    brush.fill(box(rear + 0.1, 0.12, front - 0.1, 0.3), (0.12, 0.12, 0.13), PLAIN)
    brush.fill(body, coat, LACQUER)
    brush.shade(box(rear, 0.2, front, 0.36), 0.35)
    brush.fill(box(rear + 0.06, 0.6, front - 0.35, 0.64), colors.mix(coat, (1, 1, 1), 0.45), PLAIN)
    pane = np.array([0.26, 0.34, 0.40]) * rng.uniform(0.6, 1.5)
    for window in windows:
        brush.fill(window, pane, GLASS)
    if name == "van" and rng.random() < 0.6:
        brush.fill(box(-1.2, 0.75, -0.45, 1.1), colors.paint(rng), PLAIN)
    brush.fill(box(front - 0.14, 0.42, front - 0.01, 0.54), (1.0, 0.95, 0.75), PLAIN)
    brush.fill(box(rear + 0.01, 0.46, rear + 0.1, 0.58), (0.75, 0.12, 0.1), PLAIN)
    for wheel in (0.62 * rear, 0.62 * front):
        brush.fill(ellipse(wheel, 0.24, 0.27, 0.27), colors.mix(coat, (0, 0, 0), 0.65), PLAIN)
        brush.fill(ellipse(wheel, 0.22, 0.22, 0.22), (0.10, 0.10, 0.11), PLAIN)
        brush.fill(ellipse(wheel, 0.22, 0.11, 0.11), (0.72, 0.72, 0.74), Finish(bulge=0.5))


def draw_boat(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, size: float, haze: float
) -> None:
    """Draws a boat of about height `size` that floats at (x, y), with its mirror image."""
    mirrored = rng.random() < 0.5
    lean = rng.normal(0, 0.03)
    hull = colors.paint(rng)
    kind = rng.choice(["sail", "cabin", "steamer"], p=[0.5, 0.3, 0.2])
    unit = size if kind == "sail" else 0.6 * size
    brush = Brush(canvas, classes.BOAT, x, y, unit, mirrored=mirrored, lean=lean, haze=haze)
    half = {"sail": 0.46, "cabin": 0.85, "steamer": 0.95}[kind]
    high = {"sail": 0.17, "cabin": 0.36, "steamer": 0.36}[kind]
    reflection = [[-half * 0.9, 0], [half * 0.95, 0], [half * 0.7, -high * 1.3],
                  [-half * 0.7, -high * 1.2]]  # fmt: skip
    brush.shade(reflection, 0.42, softness=1.2)
    if kind == "sail":
        _sails(brush, rng)
    elif kind == "cabin":
        _cabin(brush, rng, half, high)
    else:
        _steamer_decks(brush, rng, half, high)
    outline = [[-half * 0.86, -0.02], [-half, high], [half * 0.7, high * 1.02],
               [half * 1.12, high * 1.3], [half * 0.96, high * 0.5],
               [half * 0.74, -0.02]]  # fmt: skip
    brush.fill(outline, hull, WOOD)
    stripe = [[-half * 1.0, high * 0.78], [half * 1.04, high * 0.9], [half * 1.12, high * 1.3],
              [half * 0.7, high * 1.02], [-half, high]]  # fmt: skip
    brush.fill(stripe, colors.paint(rng), LACQUER)
    brush.shade(box(-half, -0.05, half, high * 0.3), 0.4)


def _sails(brush: Brush, rng) -> None:
    sail = colors.paint(rng)
    brush.fill(box(-0.02, 0.1, 0.02, 1.02), (0.42, 0.3, 0.2), PLAIN)
    bend = np.linspace(0, 1, 8)
    luff = np.stack([0.04 + 0 * bend, 0.24 + 0.74 * bend], axis=1)
    leech = np.stack([0.04 + 0.44 * (1 - bend) ** 0.8 + 0.05 * np.sin(np.pi * bend),
                      0.24 + 0.74 * bend], axis=1)  # fmt: skip
    brush.fill(np.concatenate([luff, leech[::-1]]), sail, CANVAS)
    brush.fill([[0.03, 0.5], [0.44, 0.42], [0.4, 0.5], [0.03, 0.6]], colors.paint(rng), CANVAS)
    jib = [[-0.04, 0.94], [-0.04, 0.24], [-0.42, 0.24]]
    brush.fill(jib, colors.mix(sail, (1, 1, 1), 0.3), CANVAS)


def _cabin(brush: Brush, rng, half: float, high: float) -> None:
    wall = colors.paint(rng)
    left, right, top = -half * 0.55, half * 0.3, high + rng.uniform(0.38, 0.5)
    brush.fill(box(left + 0.1, top, left + 0.15, top + 0.3), (0.3, 0.3, 0.3), PLAIN)
    cabin = [[left, high * 0.9], [right + 0.16, high * 0.9], [right, top], [left, top]]
    brush.fill(cabin, wall, CANVAS)
    brush.fill(box(left - 0.06, top, right + 0.08, top + 0.07), colors.paint(rng), PLAIN)
    for window in np.linspace(left + 0.08, right - 0.2, 3):
        brush.fill(box(window, high + 0.12, window + 0.17, top - 0.07), (0.22, 0.3, 0.36), GLASS)


def _steamer_decks(brush: Brush, rng, half: float, high: float) -> None:
    wall, funnel = colors.paint(rng), colors.paint(rng)
    for middle in (-0.2, 0.15):
        brush.fill(box(middle, high + 0.3, middle + 0.17, 1.0), funnel, Finish(shade=0.5))
        brush.fill(box(middle, 0.9, middle + 0.17, 1.0), (0.12, 0.12, 0.12), PLAIN)
    brush.fill(box(-half * 0.8, high * 0.9, half * 0.62, high + 0.24), wall, CANVAS)
    brush.fill(box(-half * 0.6, high + 0.24, half * 0.4, high + 0.4), wall * 0.92, CANVAS)
    for window in np.linspace(-half * 0.72, half * 0.48, 7):
        brush.fill(box(window, high + 0.07, window + 0.1, high + 0.18), (0.22, 0.3, 0.36), GLASS)


def draw_balloon(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, size: float, haze: float
) -> None:
    """Draws a hot-air balloon of height `size` whose basket is at (x, y)."""
    brush = Brush(canvas, classes.BALLOON, x, y, size, lean=rng.normal(0, 0.04), haze=haze)
    cloth, second = colors.paint(rng), colors.paint(rng)
    angle = np.linspace(-np.pi / 2, 1.5 * np.pi, 48)
    taper = np.where(np.sin(angle) < 0, 1 - 0.42 * np.sin(angle) ** 4, 1.0)
    outline = np.stack([0.37 * np.cos(angle) * taper, 0.63 + 0.38 * np.sin(angle)], axis=1)
    silk = Finish(grain=0.03, mottle=0.03, bulge=0.75)
    for side in (-1, 1):
        brush.fill([[side * 0.11, 0.3], [side * 0.13, 0.3], [side * 0.07, 0.1], [side * 0.05, 0.1]],
                   (0.3, 0.25, 0.2), PLAIN)  # fmt: skip
    brush.fill(outline, cloth, silk)
    if rng.random() < 0.6:
        for left, right in ((-0.72, -0.36), (-0.1, 0.26), (0.6, 0.86)):
            inner = np.concatenate([outline[:25] * [right, 1], outline[:25][::-1] * [left, 1]])
            brush.fill(inner, second, silk, frame=outline)
    else:
        band = outline[(outline[:, 1] > 0.5) & (outline[:, 1] < rng.uniform(0.62, 0.76))]
        around = np.argsort(np.arctan2(band[:, 1] - 0.58, band[:, 0]))
        brush.fill(band[around], second, silk, frame=outline)
    wicker = Finish(rows=(1.6, 0.25), shade=0.5)
    brush.fill(box(-0.085, 0.0, 0.085, 0.13), (0.50, 0.34, 0.20), wicker)
