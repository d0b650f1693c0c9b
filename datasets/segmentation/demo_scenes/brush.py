"""The brush that things are painted with, each in its own coordinates, and outlines to paint."""

import numpy as np

from datasets.segmentation.demo_scenes.canvas import PLAIN, Canvas, Finish


class Brush:
    """Paints one thing of a scene in its own coordinates.

    The thing stands at (0, 0), is about 1 high, and x runs to the right, y upwards.

    Attributes:
      canvas: what it paints on.
      size: pixels of one unit.
    """

    def __init__(
        self,
        canvas: Canvas,
        class_id: int,
        x: float,
        y: float,
        size: float,
        *,
        mirrored: bool = False,
        lean: float = 0.0,
        haze: float = 0.0,
    ):
        """Places a thing.

        Args:
          canvas: what to paint on.
          class_id: the thing's class.
          x, y: where it stands, in pixels of the image.
          size: its height in pixels.
          mirrored: whether left and right change places.
          lean: turn about the place where it stands, in radians.
          haze: how far it fades into the haze, 0..1.
        """
        self.canvas, self.size = canvas, size
        self._class_id, self._haze = class_id, haze
        cosine, sine = np.cos(lean) * size, np.sin(lean) * size
        flip = -1 if mirrored else 1
        self._turn = np.array([[cosine * flip, -sine * flip], [-sine, -cosine]])
        self._origin = np.array([x, y])

    def place(self, points) -> np.ndarray:
        """Returns the image coordinates of points [n, 2] of the thing."""
        return np.asarray(points, np.float64) @ self._turn.T + self._origin

    def fill(self, points, color, finish: Finish = PLAIN, frame=None) -> None:
        """Fills a polygon [n, 2] of the thing, in the image and in the mask.

        `frame` [m, 2] is the larger form that the shading follows, if any.
        """
        frame = None if frame is None else self.place(frame)
        self.canvas.fill(
            self.place(points), color, self._class_id, finish, haze=self._haze, frame=frame
        )

    def shade(self, points, strength: float, softness: float = 0.8) -> None:
        """Darkens a polygon [n, 2] of the thing in the image."""
        self.canvas.darken(self.place(points), strength * (1 - self._haze), softness)


def box(left: float, bottom: float, right: float, top: float) -> np.ndarray:
    """Returns the corners [4, 2] of a rectangle."""
    return np.array([[left, bottom], [right, bottom], [right, top], [left, top]])


def ellipse(x: float, y: float, radius_x: float, radius_y: float, points: int = 28) -> np.ndarray:
    """Returns the outline [points, 2] of an ellipse."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([x + radius_x * np.cos(angle), y + radius_y * np.sin(angle)], axis=1)


def blob(
    rng: np.random.Generator,
    x: float,
    y: float,
    radius_x: float,
    radius_y: float,
    roughness: float = 0.12,
    points: int = 72,
) -> np.ndarray:
    """Returns the outline [points, 2] of an ellipse with random bumps."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    radius = np.ones(points)
    for waves in (3, 5, 8, 13):
        bumps = np.cos(waves * angle + rng.uniform(0, 2 * np.pi))
        radius += roughness * (2.5 / waves) ** 0.6 * rng.uniform(0.4, 1) * bumps
    radius += roughness * 0.25 * rng.uniform(-1, 1, points)
    return np.stack(
        [x + radius_x * radius * np.cos(angle), y + radius_y * radius * np.sin(angle)], axis=1
    )
