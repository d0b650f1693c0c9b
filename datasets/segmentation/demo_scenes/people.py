"""Draws people."""

import numpy as np

from datasets.segmentation.demo_scenes import classes, colors
from datasets.segmentation.demo_scenes.brush import Brush, box, ellipse
from datasets.segmentation.demo_scenes.canvas import PLAIN, Canvas, Finish


def draw_person(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, size: float, haze: float
) -> None:
    """Draws a person of height `size` who stands at (x, y)."""
    brush = Brush(canvas, classes.PERSON, x, y, size, mirrored=rng.random() < 0.5,
                  lean=rng.normal(0, 0.03), haze=haze)  # fmt: skip
    skin, hair = colors.skin(rng), colors.hair(rng)
    coat, legs = colors.paint(rng), colors.paint(rng)
    cloth = Finish(grain=0.08, mottle=0.06, shade=0.35)
    stride = rng.uniform(0.02, 0.13)
    swing = rng.uniform(-0.1, 0.14)
    skirt = rng.random() < 0.35

    _limb(brush, (0.0, 0.76), (-0.17 + swing, 0.44), 0.058, coat * 0.75, cloth)
    trousers = skin if skirt else legs
    _limb(brush, (-0.05, 0.5), (-0.05 - stride, 0.02), 0.075, trousers * 0.8, cloth)
    _limb(brush, (0.05, 0.5), (0.05 + stride, 0.02), 0.075, trousers, cloth)
    for foot, tone in ((-0.05 - stride, 0.8), (0.05 + stride, 1.0)):
        shoe = ellipse(foot + 0.03, 0.02, 0.075, 0.03)
        brush.fill(shoe, np.array([0.22, 0.17, 0.15]) * tone, PLAIN)
    if skirt:
        brush.fill([[-0.12, 0.56], [0.12, 0.56], [0.2, 0.27], [-0.2, 0.27]], legs, cloth)
    torso = [[-0.15, 0.78], [-0.08, 0.83], [0.08, 0.83], [0.15, 0.78], [0.13, 0.45],
             [-0.13, 0.45]]  # fmt: skip
    brush.fill(torso, coat, cloth)
    if rng.random() < 0.4:
        brush.fill(box(-0.135, 0.58, 0.135, 0.66), colors.paint(rng), cloth)
    _limb(brush, (0.1, 0.76), (0.19 - swing, 0.45), 0.058, coat * 0.92, cloth)
    brush.fill(ellipse(0.19 - swing, 0.43, 0.045, 0.045), skin, PLAIN)
    brush.fill(box(-0.04, 0.8, 0.04, 0.87), skin * 0.85, PLAIN)
    if rng.random() < 0.4:
        brush.fill(ellipse(-0.03, 0.88, 0.11, 0.13), hair, cloth)
    brush.fill(ellipse(0, 0.91, 0.095, 0.1), skin, Finish(grain=0.03, bulge=0.4))
    cap = ellipse(0, 0.93, 0.102, 0.095)
    brush.fill(cap[cap[:, 1] > 0.925], hair, cloth)
    if rng.random() < 0.3:
        hat = colors.paint(rng)
        brush.fill(ellipse(0.02, 0.955, 0.15, 0.025), hat * 0.9, PLAIN)
        brush.fill(box(-0.09, 0.96, 0.09, 1.04), hat, cloth)


def _limb(brush: Brush, start, end, width: float, color, finish: Finish) -> None:
    start, end = np.array(start), np.array(end)
    across = np.array([end[1] - start[1], start[0] - end[0]])
    across *= width / np.hypot(*across)
    outline = [start + across, end + 0.8 * across, end - 0.8 * across, start - across]
    brush.fill(outline, color, finish)
