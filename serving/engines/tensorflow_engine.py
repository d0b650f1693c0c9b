"""The whole graph in a session of TensorFlow: runs everything, foreign graphs included."""

from collections.abc import Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from serving import contract, graph_inspection, tensorflow_session
from serving.export_file import Export

# A batch goes through the network as one tensor, and larger ones leave the processor's cache.
_MAX_PIXELS_ON_CPU = 1 << 16


class TensorFlowEngine:
    """See `engine.Engine`."""

    name = "tensorflow"

    def __init__(self, export: Export, num_threads: int | None):
        """Loads the graph.

        Raises:
          ValueError: TensorFlow rejects it, or its description is that of another graph.
        """
        self._path, self._signature = export.path, export.signature
        graph_inspection.check_class_names(export)
        self._session = tensorflow_session.session_for(export.graph, num_threads)
        has_gpu = bool(tf.config.list_physical_devices("GPU"))
        self.max_pixels = None if has_gpu else _MAX_PIXELS_ON_CPU

    def run(
        self, images: np.ndarray, with_probabilities: bool
    ) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray] | None]:
        """See `engine.Engine.run`."""
        names = [self._signature.predictions]
        if with_probabilities:
            names.append(self._signature.probabilities)
        class_ids, *rest = self.fetch(names, images)
        return list(class_ids), list(rest[0]) if rest else None

    def fetch(self, names: Sequence[str], images: np.ndarray) -> list[np.ndarray]:
        """Returns what nodes of the graph give for images; see `run`."""
        try:
            return self._session.run(
                [f"{name}:0" for name in names], {f"{contract.INPUT}:0": images}
            )
        except tf.errors.OpError as error:
            raise ValueError(f"{self._path}: {tensorflow_session.reason(error)}") from error

    def close(self) -> None:
        """Frees the session's memory."""
        self._session.close()
