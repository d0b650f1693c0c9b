"""The network in LiteRT, from the `.tflite` that `export_model.py --formats=pb,tflite` writes."""

import os

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from serving import export_file
from serving.engines import tensorflow_session


class LiteRTNetwork:
    """See `split_engine.Network`. Images go through one by one, as the file is made for one."""

    def __init__(self, export: export_file.Export, path: str, num_threads: int | None):
        """Loads the file.

        Args:
          export: the model.
          path: the `.tflite` of its network.
          num_threads: CPU threads; None for all cores, where LiteRT itself would take one.

        Raises:
          ValueError: the file is damaged, or has operations that are not LiteRT's own; those are
            not loaded, so that a file cannot bring code along.
        """
        try:
            self._interpreter = Interpreter(
                model_path=path, num_threads=num_threads or os.cpu_count()
            )
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"{path} cannot be loaded by LiteRT: {tensorflow_session.first_line(error)}. "
                "Export it again."
            ) from None
        self._inputs = [
            _find(self._interpreter.get_input_details(), name) for name in export.network_inputs
        ]
        self._outputs = [
            _find(self._interpreter.get_output_details(), name) for name in export.network_outputs
        ]

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """See `split_engine.Network.run`."""
        results = []
        for index in range(inputs[0].shape[0]):
            for tensor, values in zip(self._inputs, inputs, strict=True):
                self._interpreter.set_tensor(tensor, values[index : index + 1])
            self._interpreter.invoke()
            results.append([self._interpreter.get_tensor(tensor) for tensor in self._outputs])
        return [np.concatenate(parts) for parts in zip(*results, strict=True)]


def _find(details, name: str) -> int:
    for detail in details:
        if detail["name"].split(":")[0] == name:
            return detail["index"]
    found = ", ".join(detail["name"] for detail in details)
    raise ValueError(f"the .tflite has no tensor {name}, but {found}; export it again.")
