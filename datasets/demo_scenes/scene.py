"""Composes a scene: a small town by the water, seen from the side of a road or a quay."""

import cv2
import numpy as np

from datasets.demo_scenes.brush import draw_thing
from datasets.demo_scenes.canvas import SCALE, Canvas, Mood, noise, rgb
from datasets.demo_scenes.classes import CLASS_NAMES

MOODS = (
    Mood("3d80d6", "c2e0f2", (1.04, 1.02, 0.98), 1.0, 0.35, 0.25),  # noon
    Mood("579ed1", "ebeddb", (1.06, 1.02, 0.94), 1.0, 0.2, 0.2),  # morning
    Mood("4d5c9e", "fab87a", (1.10, 0.92, 0.78), 1.2, 0.3, 0.3),  # sunset
    Mood("758abd", "fcccb3", (1.06, 0.96, 0.92), 0.9, 0.35, 0.35),  # dawn
    Mood("99a6b3", "d1d6d9", (0.92, 0.94, 0.96), 0.5, 0.75, 0.4),  # overcast
    Mood("b8c2c7", "e6e6e0", (0.96, 0.97, 0.97), 0.45, 0.2, 0.6),  # fog
    Mood("1a2652", "6b668c", (0.62, 0.62, 0.78), 0.8, 0.25, 0.25),  # night
)
_FIELDS = "5c8038 738f42 4d703d 9e944d ccb87a dbcca3 e6ebf2 947052"
_ROADS = "66666b 4d4f54 8c8a85 9e856b 946657 b3a894"
_SEAS = "145275 1a6b75 244780 4d6b66 5c6157 6b99a8"
_BLOSSOMS = "edad38 f7f7f2 d98c9e c7332b 755794 333639"
_SUN = rgb("fff5d9")
# The ground from the horizon to the viewer: what it is, and where its far edge lies between the
# horizon (0) and the image's bottom (1); and how often it is drawn.
_GROUNDS = (
    (("water", 0.0), ("shore", 0.36), ("road", 0.55), ("lawn", 0.82)),
    (("land", 0.0), ("road", 0.28), ("lawn", 0.52), ("water", 0.62)),
    (("land", 0.0), ("water", 0.24), ("lawn", 0.50), ("road", 0.60), ("lawn", 0.88)),
    (("land", 0.0), ("road", 0.46), ("lawn", 0.76)),
)
_FREQUENCIES = (0.34, 0.3, 0.26, 0.10)
# What stands where: (kind, fewest, most, farthest and nearest place on that ground).
_CROWDS = {
    "land": (("house", 2, 4, 0.2, 0.75), ("tree", 2, 4, 0.4, 0.98)),
    "shore": (("house", 1, 2, 0.3, 0.8), ("tree", 1, 3, 0.2, 0.98)),
    "road": (("car", 1, 3, 0.42, 0.88), ("person", 0, 2, 0.1, 0.9), ("lamp", 0, 2, 0.0, 0.02)),
    "lawn": (("person", 1, 2, 0.4, 1.0), ("tree", 0, 1, 0.4, 1.0), ("rock", 0, 2, 0.2, 1.0)),
    "water": (("boat", 1, 3, 0.3, 0.95), ("rock", 0, 1, 0.2, 0.9)),
}
# Mean height in pixels at the bottom of an image that is 192 high.
_SIZES = {"house": 112, "tree": 112, "car": 31, "person": 62, "boat": 77, "rock": 19, "lamp": 75}


def draw_scene(rng: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws one scene; everything that varies comes from `rng`.

    Returns:
      The image, uint8 [height, width, 3], RGB; and its mask, uint8 [height, width], class ids
      and `classes.IGNORED`.
    """
    scene = Scene(rng, height, width, MOODS[rng.integers(len(MOODS))])
    scene.paint_sky()
    things = scene.paint_grounds()
    for _ in range(rng.integers(1, 3)):
        size = height * rng.uniform(0.19, 0.36)
        y = rng.uniform(size, max(size + 1, scene.horizon + 6))
        x = rng.uniform(0.05, 0.95) * width
        draw_thing(scene, "balloon", x, y, size, rng.uniform(0, 0.25))
    for y, x, kind in sorted(things):
        near = 0.36 + 0.64 * (y - scene.horizon) / (height - scene.horizon)
        size = _SIZES[kind] * rng.uniform(0.85, 1.15) * near * height / 192
        draw_thing(scene, kind, x, y, size, scene.mood.mist * 0.6 * (1 - near))
    image, mask = scene.develop()
    return photograph(rng, image), mask


class Scene(Canvas):
    """A canvas with sky and ground. What has no hard edge is computed at the image's own size.

    Attributes:
      horizon: the y at which the ground begins.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        height: int,
        width: int,
        mood: Mood,
        tile: np.ndarray | None = None,
        field: str | None = None,
    ):
        """Creates an empty canvas.

        Args:
          tile: texture of level ground, a result of `ground_tile`; None to draw one.
          field: color of open land, six hexadecimal digits; None to choose one.
        """
        super().__init__(rng, height, width, mood)
        self.horizon = height * rng.uniform(0.32, 0.44)
        self._rows, self._columns = np.mgrid[:height, :width].astype(np.float32)
        self._depth = np.clip((self._rows - self.horizon) / (height - self.horizon), 0, 1)
        self._sun_x = width * (0.5 + 0.45 * self.light)
        self._field = rgb(field or rng.choice(_FIELDS.split())) * rng.uniform(0.85, 1.1)
        if tile is None:
            tile = ground_tile(rng)
        # The tile in perspective.
        distance = 1 / np.maximum(self._rows - self.horizon + 7, 2)
        u, v = (self._columns - width / 2) * (50 * distance) + 256, 9000 * distance
        self._texture = cv2.remap(tile, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)

    def paint_sky(self) -> None:
        """Paints sky, sun, clouds, birds and up to three ranges of hills."""
        rng, mood = self.rng, self.mood
        rise = np.clip(self._rows / self.horizon, 0, 1)[..., None] ** rng.uniform(0.8, 1.5)
        sky = rgb(mood.zenith) + rise * (self.haze - rgb(mood.zenith))
        sun_y = self.horizon * rng.uniform(0.25, 0.7)
        reach = np.hypot(self._columns - self._sun_x, self._rows - sun_y)
        disc = np.clip(6 - reach, 0, 1) * (mood.contrast > 0.7)
        glow = np.clip(0.5 * np.exp(-reach / (0.22 * self.width)) + disc, 0, 1)[..., None]
        sky += glow * (_SUN - sky)
        billows = noise(rng, reach.shape, (14, 46), octaves=5)[..., None]
        cover = np.clip(1.7 * (billows + 1.5 * mood.clouds - 0.75), 0, 1)
        cloud = (0.4 * self.haze + 0.6) * (0.9 + 0.12 * np.roll(billows, 6, axis=0))
        self._lay("background", -1, self.height, sky + 0.85 * cover * (cloud - sky))
        for _ in range(rng.integers(0, 5)):
            x, y = rng.uniform(0, self.width), rng.uniform(0.1, 0.9) * self.horizon
            draw_thing(self, "bird", x, y, rng.uniform(3, 6), 0)
        count = rng.integers(0, 4)
        for near in (np.arange(count) + 1.0) / count:
            peaks = noise(rng, (3, self.x.size), (2, rng.uniform(120, 330)), octaves=4)[0]
            lift = rng.uniform(0.08, 0.2) * (1.35 - 0.5 * near) + 0.09 * peaks
            wood = (self._field * 0.5 + rng.uniform(0.05, 0.35, 3)) * self.tint
            shade = wood * (0.2 + 0.4 * near) + self.haze * (0.8 - 0.4 * near)
            patch = (1 + 0.05 * near * self._texture[..., None]) * shade
            self._lay("background", self.horizon * (1 - lift) + 2, self.horizon + 6, patch)

    def paint_grounds(self) -> list[tuple[float, float, str]]:
        """Paints the ground and chooses what stands on it: (y, x, kind) of each thing."""
        rng, height = self.rng, self.height
        slope = rng.normal(0, 0.1) * height
        grounds = _GROUNDS[rng.choice(len(_GROUNDS), p=_FREQUENCIES)]
        along = self.x[0] / self.width
        edges = []
        for kind, share in grounds:
            share += rng.uniform(-0.03, 0.03) * (share > 0)
            tilt = slope * share * (2.5 if kind == "shore" else 1) * (along - 0.5)
            swell = np.sin(2 * np.pi * (rng.uniform(0.6, 1.6) * along + rng.random()))
            y = self.horizon + share * (height - self.horizon)
            edges.append(y + tilt + 0.02 * height * (share > 0) * swell)
        edges.append(np.full_like(along, height + 6))
        things = []
        for (kind, _), far, near in zip(grounds, edges, edges[1:], strict=False):
            self.paint_ground(kind, far, near)
            for name, fewest, most, farthest, nearest in _CROWDS[kind]:
                for slot in rng.permutation(5)[: rng.integers(fewest, most + 1)]:
                    x = (slot + rng.uniform(0.1, 0.9)) / 5
                    low, high = np.interp(x, along, far), np.interp(x, along, near)
                    y = low + rng.uniform(farthest, nearest) * (high - low)
                    things.append((min(y, height + 4), x * self.width, name))
        return things

    def paint_ground(self, kind: str, far: np.ndarray, near: np.ndarray) -> None:
        """Paints water, a road or open land between two lines."""
        rng = self.rng
        if kind == "water":
            self._lay("water", far, near, self._water(far))
        elif kind == "road":
            stone = rgb(rng.choice(_ROADS.split())) * rng.uniform(0.8, 1.15)
            self._lay("road", far, near, self._ground(stone, 0.07))
            if rng.random() < 0.75:
                dashes = (self.x + rng.uniform(0, 20)) % 20 < 10
                chalk = (np.abs(self.y - (far + near) / 2) < 0.7) & dashes
                self.color[chalk] = rgb("f2edd6") * self.tint
        else:
            field = self._field * rng.uniform(0.92, 1.08) + rng.normal(0, 0.02, 3)
            patch = self._ground(field.astype(np.float32), 0.13)
            if rng.random() < 0.6:
                dots = np.abs(self._texture - rng.uniform(-0.3, 0.3)) < 0.006
                patch[dots] = rgb(rng.choice(_BLOSSOMS.split())) * self.tint
            self._lay("background", far, near, patch)

    def _ground(self, color: np.ndarray, texture: float) -> np.ndarray:
        """Returns an image of ground of one color, which distance fades."""
        depth = self._depth[..., None]
        tone = 1 + texture * (0.5 + depth) * self._texture[..., None] + 0.1 * (0.4 - depth)
        haze = 0.8 * self.mood.mist * (1 - depth) ** 2
        return tone * (1 - haze) * (color * self.tint) + haze * self.haze

    def _water(self, far: np.ndarray) -> np.ndarray:
        """Returns an image of water that mirrors what is already painted above its far edge."""
        rng, depth, ripples = self.rng, self._depth[..., None], self._texture
        sea = rgb(rng.choice(_SEAS.split())) * self.tint
        above = np.clip(2 * far[::SCALE] - self._rows + 2 * ripples, 0, None) * SCALE
        mirror = cv2.remap(self.color, self._columns * SCALE, above, cv2.INTER_LINEAR)
        mirror = 0.5 * mirror + 0.2 * rgb(self.mood.zenith) + 0.3 * self.haze
        patch = sea + (0.65 - rng.uniform(0.4, 0.65) * depth) * (mirror - sea)
        patch *= 1 + (0.05 + 0.13 * depth) * ripples[..., None]
        path = np.exp(-(((self._columns - self._sun_x) / (0.16 * self.width)) ** 2))
        shine = 0.7 * max(0, self.mood.contrast - 0.5) * np.clip(2.2 * ripples - 0.5, 0, 1) * path
        return patch + shine[..., None] * (_SUN - patch)

    def _lay(self, name: str, far, near, patch: np.ndarray) -> None:
        """Puts an image between two lines of the canvas, and its class into the mask."""
        top, bottom = np.clip((int(np.min(far)), int(np.max(near)) + 2), 0, self.height)
        rows = slice(top * SCALE, bottom * SCALE)
        inside = (self.y[rows] >= far) & (self.y[rows] < near + 1) & (self.x >= 0)
        large = cv2.resize(patch[top:bottom], inside.shape[::-1]).astype(np.float32, copy=False)
        cv2.copyTo(large, inside.view(np.uint8), self.color[rows])
        self.ids[rows][inside] = CLASS_NAMES.index(name)


def ground_tile(rng: np.random.Generator) -> np.ndarray:
    """Returns a texture of level ground, seen from above: float32 [512, 512], about -1..1."""
    return noise(rng, (512, 512), (32, 32), octaves=5)


def photograph(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Returns what a camera makes of an image: float32 0..1 → uint8 with blur and noise."""
    blur = rng.uniform(0, 0.8)
    if blur > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    y, x = (np.linspace(-1, 1, size) for size in image.shape[:2])
    vignette = 1 - rng.uniform(0, 0.16) * np.add.outer(y * y, x * x)
    gain = rng.uniform(0.86, 1.12) * (1 + rng.normal(0, 0.03, 3))
    image = image * vignette[..., None] * gain
    image += rng.normal(0, rng.uniform(0.005, 0.024), image.shape)
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
