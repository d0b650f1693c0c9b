"""Colors that the things of a scene are painted in.

Houses, cars, boats, clothes and balloons draw from one table, so that a color says nothing about
the class.
"""

import numpy as np

_PAINTS = (
    (0.78, 0.20, 0.17), (0.62, 0.13, 0.18), (0.88, 0.42, 0.18), (0.93, 0.68, 0.22),
    (0.95, 0.84, 0.50), (0.93, 0.90, 0.82), (0.97, 0.97, 0.95), (0.80, 0.74, 0.64),
    (0.58, 0.42, 0.30), (0.38, 0.26, 0.20), (0.40, 0.55, 0.28), (0.22, 0.42, 0.27),
    (0.55, 0.72, 0.62), (0.20, 0.50, 0.52), (0.45, 0.68, 0.82), (0.18, 0.38, 0.66),
    (0.16, 0.20, 0.38), (0.46, 0.34, 0.58), (0.85, 0.55, 0.62), (0.90, 0.72, 0.68),
    (0.45, 0.47, 0.50), (0.20, 0.21, 0.23),
)  # fmt: skip
_LEAVES = (
    (0.20, 0.42, 0.16), (0.30, 0.50, 0.18), (0.42, 0.55, 0.22), (0.14, 0.32, 0.20),
    (0.20, 0.38, 0.34), (0.52, 0.52, 0.24), (0.80, 0.55, 0.16), (0.78, 0.36, 0.14),
    (0.62, 0.18, 0.14), (0.90, 0.64, 0.70), (0.46, 0.22, 0.30),
)  # fmt: skip
_SKINS = ((0.95, 0.78, 0.66), (0.86, 0.64, 0.50), (0.66, 0.45, 0.32), (0.42, 0.28, 0.20))
_HAIRS = ((0.12, 0.09, 0.08), (0.32, 0.20, 0.12), (0.62, 0.36, 0.18), (0.86, 0.72, 0.42),
          (0.72, 0.72, 0.72))  # fmt: skip


def _jitter(rng: np.random.Generator, color, amount: float = 0.06) -> np.ndarray:
    brightness = rng.uniform(0.85, 1.12)
    return np.clip(np.asarray(color) * brightness + rng.normal(0, amount / 2, 3), 0.03, 1)


def paint(rng: np.random.Generator) -> np.ndarray:
    """Returns a color that people give to things they make: RGB, 0..1."""
    return _jitter(rng, _PAINTS[rng.integers(len(_PAINTS))])


def leaf(rng: np.random.Generator) -> np.ndarray:
    """Returns the color of a tree's crown, of any season: RGB, 0..1."""
    weights = np.array([3, 3, 3, 3, 2, 2, 1.5, 1.5, 1, 1, 1])
    return _jitter(rng, _LEAVES[rng.choice(len(_LEAVES), p=weights / weights.sum())])


def skin(rng: np.random.Generator) -> np.ndarray:
    """Returns a color of skin: RGB, 0..1."""
    return _jitter(rng, _SKINS[rng.integers(len(_SKINS))], 0.02)


def hair(rng: np.random.Generator) -> np.ndarray:
    """Returns a color of hair: RGB, 0..1."""
    return _jitter(rng, _HAIRS[rng.integers(len(_HAIRS))], 0.03)


def mix(first, second, share: float) -> np.ndarray:
    """Returns `first` with a share (0..1) of `second` mixed in."""
    first = np.asarray(first, np.float64)
    return first + share * (np.asarray(second, np.float64) - first)
