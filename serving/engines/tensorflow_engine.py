"""The whole graph in a session of TensorFlow: runs everything, also graphs made elsewhere."""

import numpy as np
import tensorflow.compat.v1 as tf

from serving import export_file
from serving.engines import tensorflow_session


class TensorFlowEngine:
    """See `engine.Engine`.

    Attributes:
      graph: the imported graph.
      session: runs it.
    """

    name = "tensorflow"

    def __init__(self, export: export_file.Export, num_threads: int | None):
        """Loads the graph.

        Raises:
          ValueError: TensorFlow does not take it.
        """
        self._path = export.path
        self.graph = tensorflow_session.load_graph(export.graph_def, export.path)
        self.session = tensorflow_session.session_for(self.graph, num_threads)

    def run(
        self, images: np.ndarray, with_probabilities: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """See `engine.Engine.run`."""
        fetches = [f"{export_file.PREDICTIONS}:0"]
        if with_probabilities:
            fetches.append(f"{export_file.PROBABILITIES}:0")
        try:
            outputs = self.session.run(fetches, {f"{export_file.INPUT}:0": images})
        except tf.errors.OpError as error:
            raise ValueError(f"{self._path}: {tensorflow_session.reason(error)}") from error
        return outputs[0], outputs[1] if with_probabilities else None

    def close(self) -> None:
        """Frees the session's memory."""
        self.session.close()
