"""What models need of an engine, and `SplitEngine` of a network."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np


class UnsupportedGraphError(ValueError):
    """An engine lacks what a graph needs, and another one may have it."""


class EngineSkippedWarning(UserWarning):
    """Engine "auto" took another engine than the one that it prefers."""


class Engine(Protocol):
    """Runs an exported graph on images of one size.

    Attributes:
      name: "tensorflow", "openvino", "litert" or "onnxruntime".
      max_pixels: of the images, padded, that take no longer together than one by one; None for any
        number.
    """

    name: str
    max_pixels: int | None

    def run(
        self, images: np.ndarray, with_probabilities: bool
    ) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray] | None]:
        """Segments or classifies images.

        Args:
          images: uint8 [batch, height, width, 3], RGB, no larger than the graph takes.
          with_probabilities: whether to return probabilities, which cost time.

        Returns:
          (class ids, for each image integers [height, width]; probabilities, for each image float32
          [height, width, num_classes], or None). Those of a classifier have neither height nor
          width.

        Raises:
          ValueError: the graph refuses the images.
        """
        ...

    def close(self) -> None:
        """Frees what the engine holds."""
        ...


class WholeGraphEngine(Engine, Protocol):
    """An engine that runs the whole graph, and can tell what any of its nodes gives."""

    def fetch(self, names: Sequence[str], images: np.ndarray) -> list[np.ndarray]:
        """Returns what nodes give for images; see `run`."""
        ...


class Network(Protocol):
    """The network inside a graph in an engine of its own: from padded images to logits."""

    def run(self, feeds: Iterable[Sequence[np.ndarray]]) -> Iterator[Sequence[np.ndarray]]:
        """Runs the network on images, each by itself: on a CPU, a batch as one tensor is slower.

        Args:
          feeds: for each image the network's inputs, float32 [1, height, width, depth], in the
            order of `Export.network_inputs`. They are taken as the network gets to them.

        Yields:
          For each image the network's outputs, float32 [1, …], in the order of
          `Export.network_outputs`. They may lie in memory that the next image uses.
        """
        ...
