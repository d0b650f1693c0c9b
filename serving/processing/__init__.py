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

    def prepare(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """Makes the network's inputs of an image.

        Args:
          image: uint8 [height, width, 3], RGB.

        Returns:
          float32 [1, height, width, depth] by the names of `input_shapes`.

        Raises:
          ValueError: the image does not fit.
        """
        ...

    def finish(
        self, size: tuple[int, int], logits: Sequence[np.ndarray], with_probabilities: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Makes the prediction for an image of the network's outputs; see `engine.Engine.run`.

        Args:
          size: (height, width) of the image.
          logits: float32, one for each output of the network, in the order of their numbers.
          with_probabilities: whether to return probabilities, which cost time.
        """
        ...

    def close(self) -> None:
        """Frees what it holds."""
        ...
