"""The network in LiteRT, from the `.tflite` that `export_model.py --formats=pb,tflite` writes."""

import os
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from common import streams
from common.texts import first_line
from serving.export_file import Export


class LiteRTNetwork:
    """See `engine.Network`."""

    def __init__(self, export: Export, path: str, num_threads: int | None):
        """Loads the file.

        Args:
          export: the model that the file belongs to.
          path: the `.tflite` file.
          num_threads: CPU threads; None for all cores, where LiteRT itself would take one.

        Raises:
          ValueError: the file is damaged, or has operations that are not LiteRT's own; those are
            not loaded, so that a file cannot bring code along.
        """
        try:
            with streams.silent_stderr():  # It tells which of its parts it uses.
                self._interpreter = Interpreter(
                    model_path=path, num_threads=num_threads or os.cpu_count()
                )
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"{path} cannot be loaded by LiteRT: {first_line(error)}. Export it again."
            ) from None
        inputs, outputs = (
            {tensor["name"].split(":")[0]: tensor["index"] for tensor in details}
            for details in (
                self._interpreter.get_input_details(),
                self._interpreter.get_output_details(),
            )
        )
        self._inputs = [_find(inputs, name, path) for name in export.network_inputs]
        self._outputs = [_find(outputs, name, path) for name in export.network_outputs]

    def run(self, feeds: Iterable[Sequence[np.ndarray]]) -> Iterator[Sequence[np.ndarray]]:
        """See `engine.Network.run`."""
        for inputs in feeds:
            for tensor, values in zip(self._inputs, inputs, strict=True):
                self._interpreter.set_tensor(tensor, values)
            self._interpreter.invoke()
            yield [self._interpreter.get_tensor(tensor) for tensor in self._outputs]


def _find(tensors: dict[str, int], name: str, path: str) -> int:
    if name not in tensors:
        raise ValueError(
            f"{path} has no tensor {name}, but {', '.join(tensors)}: it is of another export. "
            "Write it again with python export_model.py."
        )
    return tensors[name]
