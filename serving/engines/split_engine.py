"""TensorFlow around the network, and another engine for the network itself."""

import threading
from typing import Protocol

import numpy as np
import tensorflow.compat.v1 as tf

from serving import export_file
from serving.engines import graph_parts, tensorflow_session


class Network(Protocol):
    """The network in an engine: from padded images to logits."""

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Returns the network's outputs, float32 each, in the order of `export.network_outputs`.

        Args:
          inputs: float32 [batch, crop height, crop width, depth], as `export.network_inputs`.
        """
        ...


class SplitEngine:
    """See `engine.Engine`."""

    def __init__(
        self, export: export_file.Export, network: Network, name: str, num_threads: int | None
    ):
        self.name = name
        self._path = export.path
        self._network = network
        self._lock = threading.Lock()
        graph = tensorflow_session.load_graph(graph_parts.around_network(export), export.path)
        self._session = tensorflow_session.session_for(graph, num_threads)
        image = f"{export_file.INPUT}:0"
        logits = [f"{name}:0" for name in export.network_outputs]
        self._prepare = self._session.make_callable(
            [f"{name}:0" for name in export.network_inputs], [image]
        )
        predictions = f"{export_file.PREDICTIONS}:0"
        self._to_ids = self._session.make_callable([predictions], [image, *logits])
        self._to_all = self._session.make_callable(
            [predictions, f"{export_file.PROBABILITIES}:0"], [image, *logits]
        )

    def run(
        self, images: np.ndarray, with_probabilities: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """See `engine.Engine.run`."""
        inputs = self.prepare(images)
        with self._lock:  # A network has its buffers once, and its outputs lie in them.
            outputs = self._network.run(inputs)
            if with_probabilities:
                ids, probabilities = self._to_all(images, *outputs)
                return ids, probabilities
            return self._to_ids(images, *outputs)[0], None

    def prepare(self, images: np.ndarray) -> list[np.ndarray]:
        """Returns what the network sees of images.

        Raises:
          ValueError: they do not fit.
        """
        try:
            return self._prepare(images)
        except tf.errors.OpError as error:
            raise ValueError(f"{self._path}: {tensorflow_session.reason(error)}") from error

    def close(self) -> None:
        """Frees the memory of both."""
        self._session.close()
        self._network = None
