"""A network in another engine than TensorFlow, with NumPy around it."""

import threading
from collections.abc import Iterator, Sequence

import numpy as np

from common import memory
from serving.engines.engine import Network
from serving.export_file import Export
from serving.processing import Processing


class SplitEngine:
    """See `engine.Engine`."""

    max_pixels: int | None = None

    def __init__(self, export: Export, network: Network, processing: Processing, name: str):
        """Joins the parts.

        Args:
          export: the model that they belong to.
          network: the network, in the engine.
          processing: what surrounds it.
          name: the engine's name.
        """
        memory.keep_freed()  # NumPy's arrays have the same sizes with every image.
        self.name = name
        self._path, self._inputs = export.path, export.network_inputs
        self._num_names = len(export.metadata.class_names)
        self._network: Network | None = network
        self._processing = processing
        self._lock = threading.Lock()

    def run(
        self, images: np.ndarray, with_probabilities: bool
    ) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray] | None]:
        """See `engine.Engine.run`. Images are prepared and finished one by one.

        So what is made of an image is still in the processor's cache when the next step takes it.
        """
        with self._lock:  # A network has one set of buffers, and its outputs lie in them.
            if self._network is None:
                raise ValueError(f"the model {self._path} was closed while it was used.")
            outputs = self._network.run(self._feeds(images))
            results = [
                self._finish(image, logits, with_probabilities)
                for image, logits in zip(images, outputs, strict=True)
            ]
        class_ids, probabilities = zip(*results, strict=True)
        return class_ids, probabilities if with_probabilities else None

    def _feeds(self, images: np.ndarray) -> Iterator[Sequence[np.ndarray]]:
        for image in images:
            inputs = self._processing.prepare(image)
            yield [inputs[name] for name in self._inputs]

    def _finish(
        self, image: np.ndarray, logits: Sequence[np.ndarray], with_probabilities: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        num_classes = logits[0].shape[-1]
        if self._num_names not in (0, num_classes):
            raise ValueError(
                f"{self._path} has {num_classes} classes, but its description has "
                f"{self._num_names} class_names: it describes another graph."
            )
        size = image.shape[0], image.shape[1]
        return self._processing.finish(size, [each[0] for each in logits], with_probabilities)

    def close(self) -> None:
        """Frees the memory of both, once the network does not run."""
        with self._lock:
            self._network = None
            self._processing.close()
