"""Draws what stands on the land: houses and trees."""

import numpy as np

from datasets.segmentation.demo_scenes import classes, colors
from datasets.segmentation.demo_scenes.brush import Brush, blob, box
from datasets.segmentation.demo_scenes.canvas import PLAIN, Canvas, Finish

GLASS = Finish(grain=0.03, shade=0.5)
PLASTER = Finish(grain=0.07, mottle=0.04, shade=0.2)


def draw_house(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, size: float, haze: float
) -> None:
    """Draws a house of height `size` that stands at (x, y)."""
    brush = Brush(canvas, classes.HOUSE, x, y, size, mirrored=rng.random() < 0.5, haze=haze)
    wall, roof = colors.paint(rng), colors.paint(rng)
    walls = (PLASTER, Finish(shade=0.2, rows=(2.2, 0.16)), Finish(shade=0.2, columns=(3.0, 0.14)))
    finish = walls[rng.integers(len(walls))]
    lights = rng.random() < 0.35
    kind = rng.choice(["gable", "side", "tower"], p=[0.4, 0.4, 0.2])
    {"gable": _gable_house, "side": _side_house, "tower": _tower_house}[kind](
        brush, rng, wall, roof, finish, lights
    )


def _gable_house(brush: Brush, rng, wall, roof, finish: Finish, lights: bool) -> None:
    half = rng.uniform(0.34, 0.46)
    eaves = rng.uniform(0.52, 0.64)
    depth = rng.uniform(0.3, 0.7)
    tiles = Finish(shade=0.2, rows=(2.0, 0.2))
    _chimney(brush, rng, half * rng.uniform(0.2, 0.6), 0.86)
    side = np.array([[half, 0], [half + depth, 0], [half + depth, eaves], [half, eaves]])
    brush.fill(side, colors.mix(wall, (0.1, 0.1, 0.18), 0.32), finish)
    _windows(brush, rng, half + 0.06, half + depth - 0.06, eaves, lights, 1 + (depth > 0.5))
    slope = [[0, 1], [depth, 1], [half + depth + 0.05, eaves - 0.04], [half + 0.05, eaves - 0.04]]
    brush.fill(slope, roof, tiles)
    front = [[-half, 0], [half, 0], [half, eaves], [0, 1], [-half, eaves]]
    brush.fill(front, wall, finish)
    _door(brush, rng, -0.07, lights)
    for left in (-half + 0.06, half - 0.2):
        _window(brush, rng, left, 0.26, 0.14, 0.18, lights)
    _window(brush, rng, -0.08, 0.64, 0.16, 0.15, lights)
    rim = 0.07
    for sign in (-1, 1):
        edge = [[0, 1.03], [sign * (half + 0.06), eaves - 0.05],
                [sign * (half + 0.06), eaves - 0.05 - rim], [0, 1.03 - rim]]  # fmt: skip
        brush.fill(edge, colors.mix(roof, (1, 1, 1), 0.25), PLAIN)


def _side_house(brush: Brush, rng, wall, roof, finish: Finish, lights: bool) -> None:
    half = rng.uniform(0.44, 0.62)
    eaves = rng.uniform(0.5, 0.6)
    inset = rng.uniform(0.0, 0.22)
    _chimney(brush, rng, rng.uniform(-0.3, 0.3), 0.9)
    brush.fill(box(-half, 0, half, eaves + 0.02), wall, finish)
    brush.fill(box(-half, 0, half, 0.06), colors.mix(wall, (0.2, 0.2, 0.2), 0.5), finish)
    count = rng.integers(3, 5)
    _windows(brush, rng, -half + 0.05, half - 0.05, eaves, lights, count)
    pitch = (2 * half - 0.1) / count
    _door(brush, rng, -half + 0.05 + pitch * (rng.integers(count) + 0.5) - 0.07, lights)
    brush.shade(box(-half, eaves - 0.1, half, eaves), 0.35)
    over = half + 0.07
    slope = [[-over, eaves - 0.03], [over, eaves - 0.03], [over - inset, 1], [-over + inset, 1]]
    brush.fill(slope, roof, Finish(shade=0.35, rows=(2.0, 0.18)))
    if rng.random() < 0.5:
        for middle in (-half / 2, half / 2):
            brush.fill([[middle - 0.15, 0.66], [middle + 0.15, 0.66], [middle + 0.15, 0.8],
                        [middle, 0.93], [middle - 0.15, 0.8]], wall, finish)  # fmt: skip
            _window(brush, rng, middle - 0.08, 0.67, 0.16, 0.14, lights)


def _tower_house(brush: Brush, rng, wall, roof, finish: Finish, lights: bool) -> None:
    half = rng.uniform(0.24, 0.36)
    depth = rng.uniform(0.1, 0.22)
    top = rng.uniform(0.94, 1.0)
    dark = colors.mix(wall, (0.1, 0.1, 0.18), 0.4)
    brush.fill(box(half, 0, half + depth, top - 0.03), dark, finish)
    brush.fill(box(-half, 0, half, top), wall, finish)
    floors, columns = rng.integers(3, 5), rng.integers(2, 4)
    pitch = (top - 0.32) / floors
    step = 2 * half / columns
    for floor in range(floors):
        for column in range(columns):
            left = -half + step * (column + 0.22)
            _window(brush, rng, left, 0.27 + floor * pitch, step * 0.56, pitch * 0.62, lights)
    brush.fill(box(-half, 0, half, 0.2), colors.mix(roof, (0.2, 0.2, 0.2), 0.2), PLASTER)
    for column in range(2):
        left = -half + 0.05 + column * half
        brush.fill(box(left, 0.02, left + half * 0.8, 0.15), _pane(rng, lights), GLASS)
    awning = box(-half - 0.04, 0.16, half + 0.02, 0.24)
    brush.fill(awning, colors.paint(rng), Finish(shade=0.3, columns=(4.0, -0.35)))
    brush.fill(box(-half - 0.03, top - 0.03, half + 0.03, top + 0.04), roof, PLAIN)


def _chimney(brush: Brush, rng, x: float, top: float) -> None:
    brush.fill(box(x, 0.6, x + 0.12, top + 0.14), (0.55, 0.33, 0.27), Finish(rows=(1.6, 0.25)))
    brush.fill(box(x - 0.02, top + 0.1, x + 0.14, top + 0.15), (0.35, 0.3, 0.3), PLAIN)


def _pane(rng, lights: bool) -> np.ndarray:
    if lights and rng.random() < 0.6:
        return np.array([1.0, 0.83, 0.45]) * rng.uniform(0.85, 1.0)
    return np.array([0.30, 0.40, 0.50]) * rng.uniform(0.5, 1.3)


def _window(brush: Brush, rng, left, bottom, width, height, lights: bool) -> None:
    frame = 0.03
    brush.fill(box(left - frame, bottom - frame, left + width + frame, bottom + height + frame),
               (0.93, 0.92, 0.88), PLAIN)  # fmt: skip
    brush.fill(box(left, bottom, left + width, bottom + height), _pane(rng, lights), GLASS)
    middle = left + width / 2
    bar = box(middle - 0.012, bottom, middle + 0.012, bottom + height)
    brush.fill(bar, (0.9, 0.9, 0.86), PLAIN)


def _windows(brush: Brush, rng, left, right, eaves, lights: bool, count: int) -> None:
    pitch = (right - left) / count
    for index in range(count):
        start = left + pitch * (index + 0.2)
        _window(brush, rng, start, eaves * 0.42, pitch * 0.6, eaves * 0.36, lights)


def _door(brush: Brush, rng, left: float, lights: bool) -> None:
    brush.fill(box(left - 0.02, 0, left + 0.16, 0.42), (0.9, 0.88, 0.84), PLAIN)
    brush.fill(box(left, 0, left + 0.14, 0.39), colors.paint(rng), Finish(shade=0.4))
    brush.fill(box(left + 0.03, 0.24, left + 0.11, 0.35), _pane(rng, lights), GLASS)


def draw_tree(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, size: float, haze: float
) -> None:
    """Draws a tree of height `size` that stands at (x, y)."""
    brush = Brush(canvas, classes.TREE, x, y, size, mirrored=rng.random() < 0.5,
                  lean=rng.normal(0, 0.04), haze=haze)  # fmt: skip
    bark = colors.mix((0.36, 0.26, 0.19), (0.75, 0.72, 0.68), rng.uniform(0, 0.6))
    kind = rng.choice(["round", "fir", "poplar", "palm"], p=[0.5, 0.22, 0.14, 0.14])
    {"round": _round_tree, "fir": _fir, "poplar": _poplar, "palm": _palm}[kind](
        brush, rng, colors.leaf(rng), bark
    )


def _trunk(brush: Brush, bark, top: float, width: float) -> None:
    outline = [[-width, 0], [-width * 0.6, 0.06], [-width * 0.5, top], [width * 0.5, top],
               [width * 0.6, 0.06], [width, 0]]  # fmt: skip
    brush.fill(outline, bark, Finish(grain=0.12, mottle=0.1, shade=0.5))


def _round_tree(brush: Brush, rng, leaf, bark) -> None:
    _trunk(brush, bark, 0.5, rng.uniform(0.06, 0.09))
    brush.fill([[0.0, 0.25], [0.03, 0.25], [0.2, 0.5], [0.16, 0.5]], bark, Finish(grain=0.12))
    radius = rng.uniform(0.26, 0.36)
    leaves = Finish(grain=0.12, mottle=0.22, bulge=0.8, shade=0.1)
    parts = [(rng.uniform(-0.6, 0.6) * radius, rng.uniform(0.5, 0.72), rng.uniform(0.5, 0.75))
             for _ in range(4)]  # fmt: skip
    parts = [(0.0, 0.66, 0.95), *sorted(parts, key=lambda part: -part[2])]
    for dx, height, share in parts:
        crown = blob(rng, dx, height, radius * share, radius * share * 0.88)
        brush.fill(crown, leaf * rng.uniform(0.9, 1.1), leaves)


def _fir(brush: Brush, rng, leaf, bark) -> None:
    _trunk(brush, bark, 0.3, 0.05)
    width = rng.uniform(0.24, 0.34)
    tiers = rng.integers(3, 6)
    for tier in range(tiers):
        low = 0.14 + 0.62 * tier / tiers
        half = width * (1 - 0.8 * tier / tiers)
        high = min(1.0, low + 0.9 / tiers + 0.22)
        teeth = np.linspace(-half, half, 9)
        drop = np.where(np.arange(9) % 2, 0.035, 0) + rng.uniform(0, 0.02, 9)
        outline = [[0, high], *np.stack([teeth[::-1], low + drop], axis=1)]
        needles = Finish(grain=0.16, mottle=0.14, shade=0.45)
        brush.fill(outline, leaf * (0.8 + 0.25 * tier / tiers), needles)


def _poplar(brush: Brush, rng, leaf, bark) -> None:
    _trunk(brush, bark, 0.3, 0.05)
    crown = blob(rng, 0, 0.57, rng.uniform(0.13, 0.18), 0.43, roughness=0.07)
    brush.fill(crown, leaf, Finish(grain=0.14, mottle=0.22, bulge=0.7))


def _palm(brush: Brush, rng, leaf, bark) -> None:
    bend = rng.uniform(0.05, 0.16)
    rise = np.linspace(0, 1, 8)
    middle = bend * rise**2
    wide = 0.05 - 0.018 * rise
    outline = np.concatenate([np.stack([middle - wide, rise * 0.76], 1),
                              np.stack([middle + wide, rise * 0.76], 1)[::-1]])  # fmt: skip
    brush.fill(outline, bark, Finish(grain=0.1, shade=0.4, rows=(2.4, 0.25)))
    for angle in np.linspace(-0.35, np.pi + 0.35, rng.integers(8, 11)):
        length = rng.uniform(0.32, 0.4)
        along = np.linspace(0, 1, 7)
        line_x = bend + length * along * np.cos(angle)
        line_y = 0.76 + length * (0.75 * along * np.sin(angle) - 0.42 * along**2 + 0.12 * along)
        thick = 0.055 * np.sin(np.pi * (0.12 + 0.85 * along))
        frond = np.concatenate([np.stack([line_x, line_y + thick], 1),
                                np.stack([line_x, line_y - thick], 1)[::-1]])  # fmt: skip
        brush.fill(frond, leaf * rng.uniform(0.75, 1.2), Finish(grain=0.14, shade=0.3))
