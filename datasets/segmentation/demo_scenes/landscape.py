"""Paints what lies behind and under the things of a scene: sky, hills, water, roads and fields."""

import dataclasses

import cv2
import numpy as np

from datasets.segmentation.demo_scenes import classes, colors
from datasets.segmentation.demo_scenes.canvas import SUPERSAMPLING, Canvas, noise


@dataclasses.dataclass(frozen=True)
class Mood:
    """Weather and hour of a scene.

    Attributes:
      zenith, horizon: RGB colors, 0..1, of the sky's top and of its lower rim.
      tint: RGB factors of the light.
      contrast: strength of shading, 0..1.
      clouds: share of the sky that clouds cover, 0..1.
      mist: how much distance fades, 0..1.
    """

    zenith: tuple[float, float, float]
    horizon: tuple[float, float, float]
    tint: tuple[float, float, float]
    contrast: float
    clouds: float
    mist: float


MOODS = (
    # Noon.
    Mood((0.24, 0.50, 0.84), (0.76, 0.88, 0.95), (1.04, 1.02, 0.98), 1.0, 0.35, 0.25),
    # Morning.
    Mood((0.34, 0.62, 0.82), (0.92, 0.93, 0.86), (1.06, 1.02, 0.94), 1.0, 0.2, 0.2),
    # Sunset.
    Mood((0.30, 0.36, 0.62), (0.98, 0.72, 0.48), (1.10, 0.92, 0.78), 1.2, 0.3, 0.3),
    # Dawn.
    Mood((0.46, 0.54, 0.74), (0.99, 0.80, 0.70), (1.06, 0.96, 0.92), 0.9, 0.35, 0.35),
    # Overcast.
    Mood((0.60, 0.65, 0.70), (0.82, 0.84, 0.85), (0.92, 0.94, 0.96), 0.5, 0.75, 0.4),
    # Fog.
    Mood((0.72, 0.76, 0.78), (0.90, 0.90, 0.88), (0.96, 0.97, 0.97), 0.45, 0.2, 0.6),
    # Night.
    Mood((0.10, 0.15, 0.32), (0.42, 0.40, 0.55), (0.62, 0.62, 0.78), 0.8, 0.25, 0.25),
)
_FIELDS = (
    (0.36, 0.50, 0.22), (0.45, 0.56, 0.26), (0.30, 0.44, 0.24), (0.62, 0.58, 0.30),
    (0.80, 0.72, 0.48), (0.86, 0.80, 0.64), (0.90, 0.92, 0.95), (0.58, 0.44, 0.32),
)  # fmt: skip
_ROADS = (
    (0.40, 0.40, 0.42), (0.30, 0.31, 0.33), (0.55, 0.54, 0.52), (0.62, 0.52, 0.42),
    (0.58, 0.40, 0.34), (0.70, 0.66, 0.58),
)  # fmt: skip
_SUN = (1.0, 0.96, 0.85)
_SEAS = (
    (0.08, 0.32, 0.46), (0.10, 0.42, 0.46), (0.14, 0.28, 0.50), (0.30, 0.42, 0.40),
    (0.36, 0.38, 0.34), (0.42, 0.60, 0.66),
)  # fmt: skip


class Landscape:
    """The ground of one scene, painted from the horizon towards the viewer.

    Attributes:
      canvas: what it is painted on.
      mood: weather and hour.
      horizon: the y at which the ground begins.
    """

    def __init__(self, canvas: Canvas, rng: np.random.Generator, mood: Mood, horizon: float):
        self.canvas, self.mood, self.horizon = canvas, mood, horizon
        self._rng = rng
        rows, columns = canvas.ids.shape
        self._y = (np.arange(rows, dtype=np.float32) + 0.5) / SUPERSAMPLING
        self._x = (np.arange(columns, dtype=np.float32) + 0.5) / SUPERSAMPLING
        self._flat = self._perspective_noise(1.0)
        self._sun_x = canvas.width * (0.5 + 0.45 * canvas.light.side)
        self._field = np.array(_FIELDS[rng.integers(len(_FIELDS))]) * rng.uniform(0.85, 1.1)

    def depth(self, y: float) -> float:
        """Returns how near the ground at `y` is: 0 at the horizon, 1 at the image's bottom."""
        return (y - self.horizon) / (self.canvas.height - self.horizon)

    def wave(self, y: float, slope: float, swell: float) -> np.ndarray:
        """Returns a slanted, wavy line: the y of each column of the canvas."""
        along = self._x / self.canvas.width
        phase, waves = self._rng.uniform(0, 2 * np.pi), self._rng.uniform(0.6, 1.6)
        return y + slope * (along - 0.5) + swell * np.sin(2 * np.pi * waves * along + phase)

    def height_at(self, line: np.ndarray, x: float) -> float:
        """Returns the y of a line at `x`."""
        return float(np.interp(x, self._x, line))

    def paint_sky(self) -> None:
        """Paints sky, sun and clouds over the whole canvas."""
        canvas, rng, mood = self.canvas, self._rng, self.mood
        # Nothing here has a hard edge, so it is painted at the image's own size.
        y, x = np.mgrid[0 : canvas.height, 0 : canvas.width].astype(np.float32)
        rise = np.clip(y / self.horizon, 0, 1)[..., None] ** rng.uniform(0.8, 1.5)
        sky = np.asarray(mood.zenith) + rise * np.subtract(mood.horizon, mood.zenith)
        reach = np.hypot(x - self._sun_x, y - self.horizon * rng.uniform(0.25, 0.7))
        disc = np.clip(6 - reach, 0, 1) * (mood.contrast > 0.7)
        glow = np.clip(0.5 * np.exp(-reach / (0.22 * canvas.width)) + disc, 0, 1)[..., None]
        sky += glow * (np.array(_SUN) - sky)
        billows = noise(rng, canvas.height, canvas.width, (14, 46), octaves=5)[..., None]
        cover = np.clip(1.7 * (billows + 1.5 * mood.clouds - 0.75), 0, 1)
        shine = 0.9 + 0.12 * np.roll(billows, 6, axis=0)
        sky += 0.85 * cover * (colors.mix(mood.horizon, (1, 1, 1), 0.6) * shine - sky)
        size = canvas.ids.shape[::-1]
        canvas.color = cv2.resize(sky.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        for _ in range(rng.integers(0, 5)):
            self._bird(rng.uniform(0, canvas.width), rng.uniform(0.1, 0.9) * self.horizon)

    def paint_hills(self) -> None:
        """Paints up to three ranges of hills on the horizon."""
        canvas, rng = self.canvas, self._rng
        count = rng.integers(0, 4)
        for index in range(count):
            near = (index + 1) / count
            cell = 2, rng.uniform(40, 110) * SUPERSAMPLING
            peaks = noise(rng, 2, canvas.ids.shape[1], cell, octaves=4)[0]
            ridge = self.horizon + 2 - rng.uniform(0.08, 0.2) * self.horizon * (1.35 - 0.5 * near)
            ridge = ridge - 0.09 * self.horizon * peaks
            wood = colors.mix(self._field, colors.leaf(rng), rng.uniform(0.2, 0.9))
            wood = wood * np.asarray(self.mood.tint)
            shade = colors.mix(wood, self.mood.horizon, 0.8 - 0.4 * near)
            low = np.full_like(ridge, self.horizon + 6)
            self._pour(ridge, low, shade, 0.05 * near, classes.BACKGROUND)

    def paint_field(self, far: np.ndarray, near: np.ndarray) -> None:
        """Paints open land between two lines."""
        rng = self._rng
        field = self._field * rng.uniform(0.92, 1.08) + rng.normal(0, 0.02, 3)
        self._pour(far, near, field * np.asarray(self.mood.tint), 0.13, classes.BACKGROUND)
        if rng.random() < 0.6:
            blossom = colors.paint(rng)
            for _ in range(rng.integers(20, 90)):
                x = rng.uniform(0, self.canvas.width)
                low, high = self.height_at(far, x) + 2, self.height_at(near, x) - 2
                if low < high:
                    self._dot(x, rng.uniform(low, high), blossom)

    def paint_road(self, far: np.ndarray, near: np.ndarray) -> None:
        """Paints a road between two lines."""
        rng, canvas = self._rng, self.canvas
        stone = np.array(_ROADS[rng.integers(len(_ROADS))]) * rng.uniform(0.8, 1.15)
        self._pour(far, near, stone * np.asarray(self.mood.tint), 0.07, classes.ROAD)
        line = (far + near) / 2
        if rng.random() < 0.75:
            chalk = np.array([0.95, 0.93, 0.84])
            start = rng.uniform(0, 20)
            for left in np.arange(-20 + start, canvas.width, 20):
                low, high = self.height_at(line, left), self.height_at(line, left + 10)
                dash = [[left, low - 0.7], [left + 10, high - 0.7],
                        [left + 10, high + 0.7], [left, low + 0.7]]  # fmt: skip
                canvas.fill(dash, chalk, None)
        for side, offset in ((far, 1.4), (near, -1.4)):
            x = np.linspace(0, canvas.width, 33)
            y = np.interp(x, self._x, side) + offset
            rim = np.concatenate([np.stack([x, y - 0.7], 1), np.stack([x, y + 0.7], 1)[::-1]])
            canvas.fill(rim, stone * 1.25, None)

    def paint_water(self, far: np.ndarray, near: np.ndarray) -> None:
        """Paints water between two lines."""
        rng, mood = self._rng, self.mood
        rows, inside = self._between(far, near)
        sea = np.array(_SEAS[rng.integers(len(_SEAS))]) * np.asarray(mood.tint)
        depth = np.clip(self.depth(self._y[rows]), 0, 1)[:, None, None]
        mirror = colors.mix(mood.horizon, mood.zenith, 0.35)
        share = 0.65 - rng.uniform(0.4, 0.65) * depth
        ripples = self._perspective_noise(1.7)[rows]
        surface = (sea + share * (mirror - sea)).astype(np.float32)
        surface = surface * (1 + (0.05 + 0.13 * depth) * ripples[..., None])
        path = np.exp(-(((self._x - self._sun_x) / (0.16 * self.canvas.width)) ** 2))
        glitter = 0.7 * max(0, mood.contrast - 0.5) * np.clip(2.2 * ripples - 0.5, 0, 1) * path
        surface += glitter[..., None] * (np.array(_SUN, np.float32) - surface)
        self._lay(rows, inside, surface, classes.WATER)

    def _pour(self, far, near, color, texture: float, class_id: int) -> None:
        """Fills the ground between two lines with a textured color that fades with distance."""
        rows, inside = self._between(far, near)
        depth = np.clip(self.depth(self._y[rows]), 0, 1)[:, None]
        tone = 1 + texture * (0.5 + depth) * self._flat[rows] + 0.1 * (0.4 - depth)
        haze = 0.8 * self.mood.mist * (1 - depth) ** 2
        patch = (tone * (1 - haze))[..., None] * np.asarray(color, np.float32)
        patch += haze[..., None] * np.asarray(self.mood.horizon, np.float32)
        self._lay(rows, inside, patch, class_id)

    def _between(self, far: np.ndarray, near: np.ndarray) -> tuple[slice, np.ndarray]:
        """Returns the canvas rows that hold the ground between two lines, and which pixels."""
        limit = len(self._y)
        top = int(np.clip(far.min() * SUPERSAMPLING - 1, 0, limit - 1))
        bottom = int(np.clip(near.max() * SUPERSAMPLING + 1, top + 1, limit))
        y = self._y[top:bottom, None]
        return slice(top, bottom), (y >= far) & (y < near + 1)

    def _lay(self, rows: slice, inside: np.ndarray, patch: np.ndarray, class_id: int) -> None:
        np.copyto(self.canvas.color[rows], patch.astype(np.float32), where=inside[..., None])
        np.copyto(self.canvas.ids[rows], np.uint8(class_id), where=inside)

    def _dot(self, x: float, y: float, color) -> None:
        radius = 0.4 + 0.9 * self.depth(y)
        corners = np.array([[-1, 0], [0, -0.7], [1, 0], [0, 0.7]]) * radius + [x, y]
        self.canvas.fill(corners, color, None)

    def _bird(self, x: float, y: float) -> None:
        span = self._rng.uniform(3, 6)
        wings = np.array([[-1, -0.25], [-0.5, -0.5], [0, 0], [0.5, -0.5], [1, -0.25],
                          [0.5, -0.25], [0, 0.3], [-0.5, -0.25]])  # fmt: skip
        self.canvas.fill(wings * span + [x, y], (0.2, 0.2, 0.24), None)

    def _perspective_noise(self, stretch: float) -> np.ndarray:
        """Texture of a level ground seen in perspective, `stretch` times as wide as deep."""
        rows, columns = self.canvas.ids.shape
        tile = noise(self._rng, 512, 512, 32, octaves=5)
        y, x = self._y[::2, None], self._x[None, ::2]  # Finer would not show in the image.
        distance = 1 / np.maximum(y - self.horizon + 7, 2)
        v = np.repeat(9000 * distance, x.size, axis=1)
        u = (x - self.canvas.width / 2) * (70 / stretch * distance) + 256
        sampled = cv2.remap(tile, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        return cv2.resize(sampled, (columns, rows), interpolation=cv2.INTER_LINEAR)
