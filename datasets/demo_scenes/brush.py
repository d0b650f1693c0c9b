"""Paints the things of the table `things` on a canvas, and has the shapes of their parts."""

import re
import types
from collections.abc import Callable, Mapping

import numpy as np

from datasets.demo_scenes.canvas import Canvas, noise, rgb
from datasets.demo_scenes.classes import CLASS_NAMES, IGNORED
from datasets.demo_scenes.things import MATERIALS, THINGS

# Rocks and birds belong to the background; lamp posts are too thin to be told.
_IDS = {"rock": 0, "bird": 0, "lamp": IGNORED} | {name: k for k, name in enumerate(CLASS_NAMES)}


def _box(left, bottom, right, top):
    return [[left, bottom], [right, bottom], [right, top], [left, top]]


def _oval(x, y, radius_x, radius_y):
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    return np.stack([x + radius_x * np.cos(angle), y + radius_y * np.sin(angle)], axis=1)


def _limb(x0, y0, x1, y1, width0, width1):
    across = np.array([y1 - y0, x0 - x1]) / np.hypot(x1 - x0, y1 - y0)
    side = np.array([across * width0, across * width1])
    ends = np.array([[x0, y0], [x1, y1]])
    return np.concatenate([ends + side, (ends - side)[::-1]])


def _grid(left, bottom, right, top, columns, rows, share_x, share_y):
    """Boxes in the middle of cells, of a share of their width and height."""
    width, height = (right - left) / columns, (top - bottom) / rows
    column, row = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    centers = np.stack([left + width * column, bottom + height * row], axis=-1).reshape(-1, 1, 2)
    half_x, half_y = width * share_x / 2, height * share_y / 2
    return centers + _box(-half_x, -half_y, half_x, half_y)


def _tier(half, bottom, top):
    """The branches of a fir: a triangle with a jagged base."""
    x = np.linspace(half, -half, 9)
    return [[0, top], *np.stack([x, bottom + 0.035 * (np.arange(9) % 2)], axis=1)]


def _fan(x, y, length):
    """The nine drooping leaves of a palm."""
    angle, along = np.linspace(-0.35, np.pi + 0.35, 9)[:, None], np.linspace(0, 1, 7)
    rise = 0.75 * along * np.sin(angle) - 0.42 * along**2 + 0.12 * along
    middle = np.stack([x + length * along * np.cos(angle), y + length * rise], axis=2)
    edge = np.stack([0 * along, 0.055 * np.sin(np.pi * (0.12 + 0.85 * along))], axis=1)
    return np.concatenate([middle + edge, (middle - edge)[:, ::-1]], axis=1)


_SHAPES: dict[str, Callable] = {"box": _box, "oval": _oval, "limb": _limb, "grid": _grid}
_SHAPES |= {"tier": _tier, "fan": _fan, "poly": lambda *numbers: np.reshape(numbers, (-1, 2))}


def _factors(number: str) -> list[float]:
    """Returns the factors of 1, a, b, c and s: those of ".3+.1a" are .3, .1, 0, 0 and 0."""
    factors = {knob: float(n) for n, knob in re.findall(r"([-+]?[\d.]+)([abcs]?)", number)}
    return [factors.get(knob, 0) for knob in ("", "a", "b", "c", "s")]


def _parse(text: str) -> list[tuple[str, Callable, np.ndarray]]:
    words = [part.split() for part in text.split(",")]
    return [(w[0], _SHAPES[w[1]], np.array([_factors(n) for n in w[2:]])) for w in words]


_VARIANTS = {kind: [_parse(text) for text in t.split(";")] for kind, t in THINGS.items()}


def _roughen(rng: np.random.Generator, outline: np.ndarray, rough: float) -> np.ndarray:
    """Returns an outline [n, 2] with random bumps."""
    closed = np.concatenate([outline, outline[:1]])
    place = np.linspace(0, len(outline), 72)
    even = np.stack([np.interp(place, np.arange(len(closed)), n) for n in closed.T], axis=1)
    bumps = 1 + 1.5 * rough * noise(rng, (2, 72), (2, 12))[0]
    return even.mean(axis=0) + (even - even.mean(axis=0)) * bumps[:, None]


def draw_thing(
    canvas: Canvas,
    kind: str,
    x: float,
    y: float,
    size: float,
    haze: float,
    colors_of: Mapping[str, str] = types.MappingProxyType({}),
) -> None:
    """Draws a thing that stands at (x, y).

    Args:
      kind: a key of `things.THINGS`.
      size: its height in pixels.
      haze: 0..1, fades it.
      colors_of: for materials, other colors than theirs to choose from.
    """
    rng = canvas.rng
    lean, mirror = rng.normal(0, 0.025), rng.choice([-1, 1])
    knobs = np.array([1, *rng.uniform(-1, 1, 3), mirror * canvas.light])
    turn = size * np.array([[np.cos(lean), np.sin(lean)], [np.sin(lean), -np.cos(lean)]])
    turn[:, 0] *= mirror * rng.uniform(0.88, 1.14)
    colors: dict[str, np.ndarray] = {}
    absent: dict[str, bool] = {}
    variants = _VARIANTS[kind]
    for name, shape, factors in variants[int(len(variants) * rng.random() ** 1.4)]:
        base, sign = name.rstrip("+-?"), name[-1]
        material_name = base.rstrip("12345")
        material = MATERIALS[material_name]
        if sign == "?" and absent.setdefault(base, rng.random() < 0.5):
            continue
        if base not in colors:
            color = rgb(
                rng.choice(colors_of.get(material_name, material.colors).split())
            ) * rng.uniform(0.85, 1.12)
            colors[base] = np.clip(color + rng.normal(0, 0.03, 3), 0.03, 1)
        outlines = np.asarray(shape(*factors @ knobs))
        for outline in outlines.reshape(-1, *outlines.shape[-2:]):
            if material.rough:
                outline = _roughen(rng, outline, material.rough)
            place = outline @ turn.T + (x, y)
            if base == "shade":
                canvas.darken(place, 0.4 * (1 - haze))
                continue
            tone = {"+": 1.2, "-": 0.75}.get(sign, 1) * (1 + rng.uniform(-1, 1) * material.vary)
            color = (tone * colors[base]).astype(np.float32)
            canvas.fill(place, _IDS[kind], color, material, haze)
