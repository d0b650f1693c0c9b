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
        self.graph = tf.Graph()
        with self.graph.as_default():
            try:
                tf.import_graph_def(export.graph_def, name="")
            except ValueError as error:
                reason = str(error).splitlines()[0]
                raise ValueError(
                    f"{export.path} cannot be loaded by TensorFlow {tf.version.VERSION}: {reason}"
                ) from None
        self.session = tensorflow_session.session_for(self.graph, num_threads)

    def run(
        self, pictures: np.ndarray, with_probabilities: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """See `engine.Engine.run`."""
        fetches = [f"{export_file.PREDICTIONS}:0"]
        if with_probabilities:
            fetches.append(f"{export_file.PROBABILITIES}:0")
        try:
            outputs = self.session.run(fetches, {f"{export_file.INPUT}:0": pictures})
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(f"{self._path}: {tensorflow_session.reason(error)}") from error
        return outputs[0], outputs[1] if with_probabilities else None

    def close(self) -> None:
        """Frees the session's memory."""
        self.session.close()
