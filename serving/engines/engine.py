"""What every engine offers to `DeepLabModel`."""

from typing import Protocol

import numpy as np


class Engine(Protocol):
    """Runs an exported graph on images of one size.

    Attributes:
      name: "tensorflow", "openvino" or "litert".
    """

    name: str

    def run(
        self, images: np.ndarray, with_probabilities: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Segments images.

        Args:
          images: uint8 [batch, height, width, 3], RGB, as large as the graph takes.
          with_probabilities: whether to return probabilities, which cost time.

        Returns:
          (ids, integers [batch, height, width]; float32 [batch, height, width, classes] or None).

        Raises:
          ValueError: the graph refuses the images.
        """
        ...

    def close(self) -> None:
        """Frees what the engine holds."""
        ...
