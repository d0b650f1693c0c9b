"""The network in OpenVINO, read from the same `.pb`, or 8-bit from an `.xml` beside it."""

import collections
import os
import tempfile

import numpy as np
import openvino

from serving import export_file
from serving.engines import graph_parts

# Models compiled for a size of batch that are kept: single pictures, full batches, and a rest.
_MAX_COMPILED = 3


class OpenVINONetwork:
    """See `split_engine.Network`. Each size of batch is compiled when it first comes."""

    def __init__(self, export: export_file.Export, path: str | None, num_threads: int | None):
        """Reads the network.

        Args:
          export: the model.
          path: an OpenVINO model (`.xml`) of the network; None to read it from the export.
          num_threads: CPU threads; None for all cores.
        """
        self._core = openvino.Core()
        self._model = self._core.read_model(path) if path else read_network(export, self._core)
        self._input_names = [_find_name(self._model.inputs, n) for n in export.network_inputs]
        self._output_names = [_find_name(self._model.outputs, n) for n in export.network_outputs]
        # Else a CPU that has it calculates in bfloat16, which changes about one pixel in a hundred.
        self._config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if num_threads is not None:
            self._config["INFERENCE_NUM_THREADS"] = num_threads
        self._requests: collections.OrderedDict[int, openvino.InferRequest] = (
            collections.OrderedDict()
        )

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """See `split_engine.Network.run`."""
        request = self._request(inputs[0].shape[0])
        request.infer(dict(zip(self._input_names, inputs, strict=True)), share_inputs=True)
        return [request.get_tensor(name).data for name in self._output_names]

    def _request(self, batch_size: int) -> openvino.InferRequest:
        if batch_size not in self._requests:
            model = self._model.clone()
            model.reshape(
                {
                    name: [batch_size, *list(model.input(name).partial_shape)[1:]]
                    for name in self._input_names
                }
            )
            compiled = self._core.compile_model(model, "CPU", self._config)
            self._requests[batch_size] = compiled.create_infer_request()
            if len(self._requests) > _MAX_COMPILED:
                self._requests.popitem(last=False)
        self._requests.move_to_end(batch_size)
        return self._requests[batch_size]


def read_network(export: export_file.Export, core: openvino.Core) -> openvino.Model:
    """Returns the network of an export as a model of OpenVINO, for any size of batch."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "network.pb")
        with open(path, "wb") as file:
            file.write(graph_parts.network(export).SerializeToString())
        # A frozen graph marks no outputs; OpenVINO takes those that nothing reads.
        return core.read_model(path)


def _find_name(ports, name: str) -> str:
    """Returns the name that OpenVINO gives to an input or output: "node" or "node:0"."""
    names = {candidate for port in ports for candidate in port.get_names()}
    return next(candidate for candidate in (name, f"{name}:0") if candidate in names)
