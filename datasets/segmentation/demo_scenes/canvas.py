"""A canvas on which an image and its mask are painted together.

They are painted at three times the image's size, so that `Canvas.develop` can hand out smooth
edges in the image and can tell which pixels of the mask an edge runs through.
"""

import dataclasses

import cv2
import numpy as np

from datasets.segmentation.demo_scenes.classes import IGNORED

SUPERSAMPLING = 3


@dataclasses.dataclass(frozen=True)
class Light:
    """The light of a scene.

    Attributes:
      side: where the light comes from: -1 far left … 1 far right.
      tint: RGB factors on everything that the light falls on.
      haze: RGB color, 0..1, that distant things fade into.
      contrast: difference between lit and shaded sides, 0..1.
    """

    side: float
    tint: tuple[float, float, float]
    haze: tuple[float, float, float]
    contrast: float


@dataclasses.dataclass(frozen=True)
class Finish:
    """How a painted area looks beside its color.

    Attributes:
      grain: strength of the fine irregular texture.
      mottle: strength of the coarse texture, such as leaves.
      shade: strength of the flat shading from the lit side to the other and from top to bottom.
      bulge: how much the area looks like a ball, 0..1.
      rows, columns: (period in pixels, strength) of dark lines, such as planks; None for none.
    """

    grain: float = 0.06
    mottle: float = 0.0
    shade: float = 0.15
    bulge: float = 0.0
    rows: tuple[float, float] | None = None
    columns: tuple[float, float] | None = None


PLAIN = Finish()


def noise(rng: np.random.Generator, height: int, width: int, cell, octaves: int = 3) -> np.ndarray:
    """Draws smooth random texture.

    Args:
      rng: source of randomness.
      height, width: size of the texture.
      cell: size of the largest spots, one number or (height, width).
      octaves: how many times finer and weaker spots are added.

    Returns:
      float32 [height, width], about -1..1.
    """
    cell_height, cell_width = cell if isinstance(cell, tuple) else (cell, cell)
    total = np.zeros((height, width), np.float32)
    strength = 1.0
    for _ in range(octaves):
        rows = max(2, int(np.ceil(height / cell_height)) + 1)
        columns = max(2, int(np.ceil(width / cell_width)) + 1)
        spots = rng.uniform(-strength, strength, (rows, columns)).astype(np.float32)
        total += cv2.resize(spots, (width, height), interpolation=cv2.INTER_CUBIC)
        strength *= 0.5
        cell_height, cell_width = max(cell_height / 2, 1), max(cell_width / 2, 1)
    return total


class Canvas:
    """An image and its mask at `SUPERSAMPLING` times their size.

    Coordinates are pixels of the finished image, x to the right and y down.

    Attributes:
      height, width: size of the finished image.
      light: the scene's light.
      color: float32 [height * 3, width * 3, 3], RGB, 0..1.
      ids: uint8 [height * 3, width * 3], class ids.
    """

    def __init__(self, rng: np.random.Generator, height: int, width: int, light: Light):
        self.height, self.width, self.light = height, width, light
        size = (height * SUPERSAMPLING, width * SUPERSAMPLING)
        self.color = np.zeros((*size, 3), np.float32)
        self.ids = np.zeros(size, np.uint8)
        self._grain = noise(rng, *size, 1.5 * SUPERSAMPLING, octaves=2)
        self._mottle = noise(rng, *size, 6 * SUPERSAMPLING, octaves=3)

    def fill(
        self,
        points,
        color,
        class_id: int | None,
        finish: Finish = PLAIN,
        *,
        haze: float = 0.0,
        frame=None,
    ) -> None:
        """Fills a polygon in the image, and in the mask too where a class is given.

        Args:
          points: [n, 2] x and y of the corners.
          color: RGB, 0..1.
          class_id: the polygon's class; None leaves the mask as it is.
          finish: texture and shading.
          haze: how far the polygon fades into the haze, 0..1.
          frame: [m, 2] corners of the larger form that the shading follows; the polygon itself
            by default.
        """
        region, inside = self._cover(points)
        if region is None:
            return
        tone = self._tone(points if frame is None else frame, region, finish)
        lit = np.asarray(color, np.float32) * np.asarray(self.light.tint, np.float32)
        patch = tone[..., None] * lit
        if haze:
            patch += haze * (np.asarray(self.light.haze, np.float32) - patch)
        np.copyto(self.color[region], patch, where=inside[..., None])
        if class_id is not None:
            np.copyto(self.ids[region], np.uint8(class_id), where=inside)

    def darken(self, points, strength: float, softness: float = 1.5) -> None:
        """Casts a shadow with a soft edge over a polygon; the mask stays as it is."""
        region, inside = self._cover(points, margin=3 * softness)
        if region is None:
            return
        sigma = softness * SUPERSAMPLING
        shadow = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), sigma)
        self.color[region] *= 1 - strength * shadow[..., None]

    def develop(self) -> tuple[np.ndarray, np.ndarray]:
        """Reduces image and mask to their final size.

        Returns:
          float32 [height, width, 3], RGB, 0..1; and uint8 [height, width] class ids, `IGNORED`
          in the pixels that an edge between two classes runs through.
        """
        size = (self.width, self.height)
        image = cv2.resize(self.color, size, interpolation=cv2.INTER_AREA)
        square = np.ones((SUPERSAMPLING + 1, SUPERSAMPLING + 1), np.uint8)
        edges = cv2.morphologyEx(self.ids, cv2.MORPH_GRADIENT, square) > 0
        share = cv2.resize(edges.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        centre = SUPERSAMPLING // 2
        mask = self.ids[centre::SUPERSAMPLING, centre::SUPERSAMPLING].copy()
        mask[share > 0.5] = IGNORED
        return image, mask

    def _cover(self, points, margin: float = 0.0):
        """Finds the canvas region around a polygon and which of its pixels lie inside."""
        corners = np.asarray(points, np.float64) * SUPERSAMPLING
        reach = margin * SUPERSAMPLING
        limits = self.ids.shape[1], self.ids.shape[0]
        low = np.clip(np.floor(corners.min(axis=0) - reach), 0, limits).astype(int)
        high = np.clip(np.ceil(corners.max(axis=0) + reach) + 1, 0, limits).astype(int)
        if (high <= low).any():
            return None, None
        region = np.s_[low[1] : high[1], low[0] : high[0]]
        inside = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        cv2.fillPoly(inside, [np.round(corners - low).astype(np.int32)], 1)
        return region, inside.astype(bool)

    def _tone(self, points, region, finish: Finish) -> np.ndarray:
        """Brightness factors of a region: the shading of the form `points`, and texture."""
        corners = np.asarray(points, np.float64) * SUPERSAMPLING
        low, high = corners.min(axis=0), corners.max(axis=0)
        span = np.maximum(high - low, 1)
        rows = np.arange(region[0].start, region[0].stop, dtype=np.float32)
        columns = np.arange(region[1].start, region[1].stop, dtype=np.float32)
        v = (2 * (rows - low[1]) / span[1] - 1)[:, None].astype(np.float32)
        u = (2 * (columns - low[0]) / span[0] - 1)[None, :].astype(np.float32)
        strength = self.light.contrast
        tone = 1 + strength * finish.shade * (self.light.side * u - 0.6 * v)
        if finish.bulge:
            front = np.sqrt(np.clip(1.15 - u * u - v * v, 0, None))
            facing = 0.75 * self.light.side * u - 0.6 * v + 0.35 * front
            tone = tone + strength * finish.bulge * (facing - 0.25)
        if finish.grain:
            tone = tone + finish.grain * self._grain[region]
        if finish.mottle:
            tone = tone + finish.mottle * self._mottle[region]
        if finish.rows:
            period, depth = finish.rows
            tone = tone - depth * ((rows / SUPERSAMPLING) % period < 0.28 * period)[:, None]
        if finish.columns:
            period, depth = finish.columns
            tone = tone - depth * ((columns / SUPERSAMPLING) % period < 0.28 * period)[None, :]
        return np.clip(tone, 0.08, 1.9).astype(np.float32)
