"""What surrounds the network of an export, in NumPy: images → its inputs, logits → predictions.

The graph of an export has the same inside, for TensorFlow. Engines that run only the network need
no TensorFlow this way; results are equal up to rounding.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np


class Processing(Protocol):
    """What comes before and after a network.

    Attributes:
      input_shapes: (height, width, depth) of the network's inputs, by the names of their nodes.
    """

    @property
    def input_shapes(self) -> Mapping[str, tuple[int, int, int]]: ...

    def prepare(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Makes the network's inputs of images of one size.

        Args:
          images: uint8 [batch, height, width, 3], RGB.

        Returns:
          float32 [batch, height, width, depth] by the names of `input_shapes`.

        Raises:
          ValueError: the images do not fit.
        """
        ...

    def finish(
        self, images: np.ndarray, logits: Sequence[np.ndarray], with_probabilities: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Makes predictions of the network's outputs, as `engine.Engine.run` returns them.

        Args:
          images: those that `prepare` had.
          logits: float32, one for each output of the network, in the order of their numbers.
          with_probabilities: whether to return probabilities, which cost time.
        """
        ...

    def close(self) -> None:
        """Frees what it holds."""
        ...
