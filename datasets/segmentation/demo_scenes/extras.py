"""Draws what a scene holds beside its classes: rocks, which are background, and lamp posts."""

import numpy as np

from datasets.segmentation.demo_scenes import classes, colors
from datasets.segmentation.demo_scenes.brush import Brush, blob, box, ellipse
from datasets.segmentation.demo_scenes.canvas import PLAIN, Canvas, Finish


def draw_rock(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, size: float, haze: float
) -> None:
    """Draws a rock of height `size`, part of the background, that lies at (x, y)."""
    brush = Brush(canvas, classes.BACKGROUND, x, y, size, haze=haze)
    stone = colors.mix((0.5, 0.47, 0.44), colors.paint(rng), 0.3)
    outline = blob(rng, 0, 0.3, rng.uniform(0.7, 1.2), 0.55, roughness=0.14, points=24)
    outline[:, 1] = np.maximum(outline[:, 1], -0.05)
    brush.fill(outline, stone, Finish(grain=0.14, mottle=0.2, bulge=0.6))


def draw_lamp(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, size: float, haze: float
) -> None:
    """Draws a lamp post of height `size` at (x, y); its mask says ignored, as it is too thin."""
    brush = Brush(canvas, classes.IGNORED, x, y, size, mirrored=rng.random() < 0.5, haze=haze)
    iron = np.array([0.16, 0.20, 0.20]) * rng.uniform(0.7, 1.4)
    brush.fill(box(-0.03, 0, 0.03, 0.08), iron, PLAIN)
    brush.fill(box(-0.014, 0, 0.014, 0.94), iron, PLAIN)
    brush.fill(box(-0.014, 0.92, 0.1, 0.95), iron, PLAIN)
    brush.fill(ellipse(0.1, 0.9, 0.04, 0.045), (1.0, 0.93, 0.72), Finish(bulge=0.3))
