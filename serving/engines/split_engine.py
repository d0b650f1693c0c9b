"""TensorFlow around the network, and another engine for the network itself."""

import threading

import numpy as np
import tensorflow.compat.v1 as tf

from serving import contract, tensorflow_session
from serving.engines import graph_parts
from serving.engines.engine import Network
from serving.export_file import Export


class SplitEngine:
    """See `engine.Engine`."""

    def __init__(self, export: Export, network: Network, name: str, num_threads: int | None):
        self.name = name
        self._path = export.path
        self._network: Network | None = network
        self._lock = threading.Lock()
        graph = tensorflow_session.load_graph(graph_parts.around_network(export), export.path)
        self._session = tensorflow_session.session_for(graph, num_threads)
        image, ids, probabilities = (
            f"{node}:0"
            for node in (
                contract.INPUT,
                export.signature.predictions,
                export.signature.probabilities,
            )
        )
        logits = [f"{node}:0" for node in export.network_outputs]
        inputs = [f"{node}:0" for node in export.network_inputs]
        self._prepare = self._session.make_callable(inputs, [image])
        self._to_ids = self._session.make_callable([ids], [image, *logits])
        self._to_all = self._session.make_callable([ids, probabilities], [image, *logits])

    def run(
        self, images: np.ndarray, with_probabilities: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """See `engine.Engine.run`."""
        assert self._network is not None, "closed"
        try:
            inputs = self._prepare(images)
        except tf.errors.OpError as error:
            raise ValueError(f"{self._path}: {tensorflow_session.reason(error)}") from error
        with self._lock:  # A network has one set of buffers, and its outputs lie in them.
            outputs = self._network.run(inputs)
            if with_probabilities:
                class_ids, probabilities = self._to_all(images, *outputs)
                return class_ids, probabilities
            return self._to_ids(images, *outputs)[0], None

    def close(self) -> None:
        """Frees the memory of both."""
        self._session.close()
        self._network = None
