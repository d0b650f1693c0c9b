"""The loss of an image: how far it is from a content, from a style and from being smooth."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from style_transfer import windows
from style_transfer.network import ContentTarget, Network, StyleTarget
from style_transfer.options import LossOptions


@dataclasses.dataclass(frozen=True)
class Style:
    """An image whose style is taken, float32 [height, width, 3], RGB, 0..255, and its share."""

    image: np.ndarray
    share: float = 1.0


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The losses of an image.

    Attributes:
      losses: by "content/LAYER", "style/LAYER" and "tv"; each with its weight.
      gradient: float32 [height, width, 3], of their sum.
    """

    losses: Mapping[str, float]
    gradient: np.ndarray

    @property
    def total(self) -> float:
        return sum(self.losses.values())

    def sum_of(self, kind: str) -> float:
        """Returns the sum over layers of "content" or "style"."""
        return sum(loss for name, loss in self.losses.items() if name.partition("/")[0] == kind)


class Objective:
    """What an image is to be: of one content, in one style or a mix of several."""

    def __init__(
        self,
        network: Network,
        options: LossOptions,
        content: np.ndarray,
        styles: Sequence[Style],
        window_side: int | None = None,
    ):
        """Looks at the images.

        Args:
          content: float32 [height, width, 3], RGB, 0..255.
          styles: images of any sizes; their shares add up to 1.
          window_side: see `windows.split`.
        """
        self._network = network
        self._window_side = window_side
        self._windows = self._split(content)
        features = network.features(content, self._windows)
        grams = network.grams(content, self._windows)
        self._content = {
            name: ContentTarget(values, _content_factor(options, name, values))
            for name, values in features.items()
        }
        of_styles = [
            (style.share, network.grams(style.image, self._split(style.image))) for style in styles
        ]
        self._style = {
            name: _style_target(
                options, name, grams[name], [(share, each[name]) for share, each in of_styles]
            )
            for name in network.style_layers
        }
        self._tv_factor = options.tv_weight
        if options.tv_scale == "relative":
            variation = total_variation(content)[0]
            variation += sum(style.share * total_variation(style.image)[0] for style in styles)
            self._tv_factor /= max(variation, 1.0)

    def evaluate(self, image: np.ndarray) -> Evaluation:
        """Returns the losses of an image of the content's size, and their gradient."""
        losses, gradient = self._network.losses_and_gradient(
            image, self._windows, self._style, self._content
        )
        if self._tv_factor:
            variation, slope = total_variation(image)
            losses["tv"] = self._tv_factor * variation
            gradient += np.float32(self._tv_factor) * slope
        return Evaluation(losses, gradient)

    def _split(self, image: np.ndarray) -> list[windows.Window]:
        network = self._network
        height, width = image.shape[:2]
        return windows.split(height, width, self._window_side, network.reach, network.stride)


def total_variation(image: np.ndarray) -> tuple[float, np.ndarray]:
    """Returns the mean squared difference of neighbors, down plus right, and its gradient."""
    value = 0.0
    gradient = np.zeros_like(image)
    for axis in (0, 1):
        difference = np.diff(image, axis=axis)
        if difference.size:
            value += float(np.mean(np.square(difference), dtype=np.float64))
            slope = difference * np.float32(2.0 / difference.size)
            after, before = (
                (slice(None),) * axis + (part,) for part in (slice(1, None), slice(None, -1))
            )
            gradient[after] += slope
            gradient[before] -= slope
    return value, gradient


def _content_factor(options: LossOptions, name: str, features: np.ndarray) -> float:
    weight = options.content_weight * options.content_layers[name]
    size = features.size
    return (
        weight
        * {
            "relative": lambda: (
                1.0 / max(float(np.sum(np.square(features), dtype=np.float64)), 1e-12)
            ),
            "half": lambda: 0.5,
            "quarter_mean": lambda: 0.25 / size,
            "mean": lambda: 1.0 / size,
        }[options.content_scale]()
    )


def _style_target(
    options: LossOptions,
    name: str,
    of_content: np.ndarray,
    of_styles: Sequence[tuple[float, np.ndarray]],
) -> StyleTarget:
    """Mixes Gram matrices: sum(share * (G - A)^2) is (G - mean A)^2 and a constant."""
    weight = options.style_weight * options.style_layers[name]
    depth = len(of_content)
    gram = sum(share * each for share, each in of_styles)
    constant = sum(share * _squared(each - gram) for share, each in of_styles)
    factor = (
        weight
        * {
            "relative": lambda: 1.0 / max(_squared(of_content - gram), 1e-12),
            "gatys": lambda: 0.25 / depth**2,
            "mean": lambda: 1.0 / depth**4,
        }[options.style_scale]()
    )
    return StyleTarget(np.asarray(gram, np.float32), constant, factor)


def _squared(matrix: np.ndarray) -> float:
    return float(np.sum(np.square(matrix), dtype=np.float64))
