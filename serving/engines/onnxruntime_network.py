"""The network in ONNX Runtime, from the `.onnx` that `export_model.py --formats=pb,onnx` writes."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import onnxruntime

from common.texts import printable
from serving.engines import onnx_parts

# Only errors: it warns of initializers that its own optimizations leave unused.
_SEVERITY = 3


class ONNXRuntimeNetwork:
    """See `engine.Network`."""

    def __init__(self, inputs: list[str], outputs: list[str], path: str, num_threads: int | None):
        """Reads the network.

        Args:
          inputs, outputs: names of its tensors, in the order of `run`.
          path: the `.onnx` file, which holds it.
          num_threads: CPU threads; None for all cores.

        Raises:
          ValueError: the file is damaged, has no such tensors, or needs more than itself.
          OSError: it cannot be opened.
        """
        with open(path, "rb") as file:
            content = file.read()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads or 0
        options.log_severity_level = _SEVERITY
        try:
            self._session = onnxruntime.InferenceSession(
                onnx_parts.cut(content, inputs, outputs), options, ["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises types of its own.
            reason = printable((str(error).strip().splitlines() or [type(error).__name__])[0])
            raise ValueError(
                f"{path} cannot be loaded by ONNX Runtime: {reason}. Export it again."
            ) from None
        self._inputs, self._outputs = inputs, outputs

    def run(self, feeds: Iterable[Sequence[np.ndarray]]) -> Iterator[Sequence[np.ndarray]]:
        """See `engine.Network.run`."""
        for inputs in feeds:
            yield self._session.run(self._outputs, dict(zip(self._inputs, inputs, strict=True)))
