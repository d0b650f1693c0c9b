"""The whole graph in a session of TensorFlow: runs everything, foreign graphs included."""

import numpy as np
import tensorflow.compat.v1 as tf

from serving import contract, graph_inspection, tensorflow_session
from serving.export_file import Export


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

    def run(
        self, images: np.ndarray, with_probabilities: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """See `engine.Engine.run`."""
        fetches = [f"{self._signature.predictions}:0"]
        if with_probabilities:
            fetches.append(f"{self._signature.probabilities}:0")
        try:
            class_ids, *rest = self._session.run(fetches, {f"{contract.INPUT}:0": images})
        except tf.errors.OpError as error:
            raise ValueError(f"{self._path}: {tensorflow_session.reason(error)}") from error
        return class_ids, rest[0] if rest else None

    def close(self) -> None:
        """Frees the session's memory."""
        self._session.close()
