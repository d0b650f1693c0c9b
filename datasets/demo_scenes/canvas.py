"""A canvas on which an image and its mask are painted together, at three times their size."""

from typing import NamedTuple

import cv2
import numpy as np

from datasets.demo_scenes.classes import IGNORED

SCALE = 3


def rgb(digits: str) -> np.ndarray:
    """Returns the color of six hexadecimal digits: float32 [3], 0..1."""
    return np.frombuffer(bytes.fromhex(digits), np.uint8) / np.float32(255)


def noise(rng: np.random.Generator, size, cell, octaves: int = 3) -> np.ndarray:
    """Returns smooth texture of a size (height, width): float32, about -1..1.

    `cell` is the (height, width) of its largest spots; each octave adds finer and weaker ones.
    """
    total = np.zeros(size, np.float32)
    for scale in 2.0 ** np.arange(octaves):
        shape = [int(n / max(c / scale, 1)) + 2 for n, c in zip(size, cell, strict=True)]
        spots = (rng.uniform(-1, 1, shape) / scale).astype(np.float32)
        total += cv2.resize(spots, size[::-1], interpolation=cv2.INTER_CUBIC)
    return total


class Mood(NamedTuple):
    """Weather and hour of a scene. The haze is also the color of the sky's lower rim."""

    zenith: str
    haze: str
    tint: tuple[float, float, float]  # RGB factors of the light
    contrast: float  # between lit and shaded sides, 0..1
    clouds: float  # 0..1
    mist: float  # how much distance fades, 0..1


class Material(NamedTuple):
    """How a part of a thing looks; the numbers are strengths, about 0..1."""

    colors: str  # to choose from, each as six hexadecimal digits
    grain: float = 0.06  # fine texture
    mottle: float = 0.0  # coarse texture
    shade: float = 0.2  # from the lit side to the other
    bulge: float = 0.0  # shading of a ball
    lines: float = 0.0  # dark rows
    rough: float = 0.0  # bumps of the outline
    vary: float = 0.0  # brightness, between parts


class Canvas:
    """An image and its mask, painted in pixels of the finished image, x to the right and y down.

    Attributes:
      color: float32 [height * 3, width * 3, 3], RGB, 0..1.
      ids: uint8 [height * 3, width * 3], class ids.
      y, x: float32 [height * 3, 1] and [1, width * 3], coordinates of the canvas's pixels.
      light: where the light comes from: -1 far left … 1 far right.
    """

    def __init__(self, rng: np.random.Generator, height: int, width: int, mood: Mood):
        self.rng, self.height, self.width, self.mood = rng, height, width, mood
        self.tint, self.haze = np.array(mood.tint, np.float32), rgb(mood.haze)
        self.light = float(rng.choice([-1, 1]) * rng.uniform(0.4, 1.0))
        size = (height * SCALE, width * SCALE)
        self.color = np.zeros((*size, 3), np.float32)
        self.ids = np.zeros(size, np.uint8)
        self.y = np.arange(size[0], dtype=np.float32)[:, None] / SCALE
        self.x = np.arange(size[1], dtype=np.float32)[None, :] / SCALE
        self._grain = noise(rng, size, (4.5, 4.5), octaves=2)
        self._mottle = noise(rng, size, (18, 18))

    def fill(self, outline, class_id: int, color, material: Material, haze: float) -> None:
        """Fills a polygon [n, 2] in image and mask; haze 0..1 fades it."""
        region, inside = self._cover(outline)
        if inside.any():
            light = self._light(outline, region, material)[inside][:, None]
            self.color[region][inside] = (1 - haze) * light * (color * self.tint) + haze * self.haze
            self.ids[region][inside] = class_id

    def darken(self, outline, strength: float) -> None:
        """Casts a shadow with a soft edge over a polygon [n, 2]; the mask stays as it is."""
        region, inside = self._cover(outline, margin=4)
        if inside.any():
            shadow = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.2 * SCALE)
            self.color[region] *= 1 - strength * self.mood.contrast * shadow[..., None]

    def develop(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the image, float32 [height, width, 3], RGB, 0..1, and the mask, uint8.

        Pixels that an edge between two classes runs through are `IGNORED`.
        """
        size = (self.width, self.height)
        square = np.ones((SCALE + 1, SCALE + 1), np.uint8)
        edges = (cv2.morphologyEx(self.ids, cv2.MORPH_GRADIENT, square) > 0).astype(np.float32)
        mask = self.ids[SCALE // 2 :: SCALE, SCALE // 2 :: SCALE].copy()
        mask[cv2.resize(edges, size, interpolation=cv2.INTER_AREA) > 0.5] = IGNORED
        return cv2.resize(self.color, size, interpolation=cv2.INTER_AREA), mask

    def _cover(self, outline, margin: int = 0):
        """Returns the region of the canvas around a polygon, and which of its pixels it covers."""
        corners = np.asarray(outline) * SCALE
        limits, reach = self.ids.shape[::-1], margin * SCALE
        left, top = np.clip(np.floor(corners.min(axis=0)) - reach, 0, limits).astype(int)
        right, bottom = np.clip(np.ceil(corners.max(axis=0)) + reach + 1, 0, limits).astype(int)
        inside = np.zeros((bottom - top, right - left), np.uint8)
        if inside.size:
            cv2.fillPoly(inside, [np.round(corners - (left, top)).astype(np.int32)], 1)
        return np.s_[top:bottom, left:right], inside.astype(bool)

    def _light(self, outline, region, material: Material) -> np.ndarray:
        """Returns the brightness of a region that shows a polygon: shading and texture."""
        low, high = np.min(outline, axis=0).tolist(), np.max(outline, axis=0).tolist()
        y, x = self.y[region[0]], self.x[:, region[1]]
        u = (2 * x - low[0] - high[0]) / (high[0] - low[0] + 0.1)
        v = (2 * y - low[1] - high[1]) / (high[1] - low[1] + 0.1)
        side, contrast = self.light * u - 0.6 * v, self.mood.contrast
        light = 1 + contrast * material.shade * side + material.grain * self._grain[region]
        if material.bulge:
            ball = np.sqrt(np.clip(1.15 - u * u - v * v, 0, None))
            light += contrast * material.bulge * (0.8 * side + 0.35 * ball - 0.25)
        if material.mottle:
            light += material.mottle * self._mottle[region]
        if material.lines:
            light -= material.lines * (y % 2.2 < 0.6)
        return np.clip(light, 0.08, 1.9)
