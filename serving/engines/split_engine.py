"""A network in another engine than TensorFlow, with NumPy around it."""

import threading

import numpy as np

from common import memory
from serving.engines.engine import Network
from serving.export_file import Export
from serving.processing import Processing


class SplitEngine:
    """See `engine.Engine`."""

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
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """See `engine.Engine.run`."""
        try:
            inputs = self._processing.prepare(images)
        except RuntimeError:  # Its threads have ended.
            self._check_open()
            raise
        with self._lock:  # A network has one set of buffers, and its outputs lie in them.
            self._check_open()
            assert self._network is not None
            logits = self._network.run([inputs[name] for name in self._inputs])
            num_classes = logits[0].shape[-1]
            if self._num_names not in (0, num_classes):
                raise ValueError(
                    f"{self._path} has {num_classes} classes, but its description has "
                    f"{self._num_names} class_names: it describes another graph."
                )
            return self._processing.finish(images, logits, with_probabilities)

    def close(self) -> None:
        """Frees the memory of both, once the network does not run."""
        with self._lock:
            self._network = None
            self._processing.close()

    def _check_open(self) -> None:
        if self._network is None:
            raise ValueError(f"the model {self._path} was closed while it was used.")
