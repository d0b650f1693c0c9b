"""The network in OpenVINO, read from the same `.pb`, or 8-bit from an `.xml` beside it."""

import os
import re
import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from common.texts import printable
from serving.engines import graph_parts, openvino_runtime
from serving.engines.engine import UnsupportedGraphError
from serving.export_file import Export

if TYPE_CHECKING:
    import openvino
else:
    openvino = openvino_runtime.load()


class OpenVINONetwork:
    """See `engine.Network`."""

    def __init__(
        self,
        export: Export,
        input_shapes: Mapping[str, tuple[int, int, int]],
        path: str,
        num_threads: int | None,
    ):
        """Reads the network.

        Args:
          export: the model that the network belongs to.
          input_shapes: see `Processing.input_shapes`.
          path: an OpenVINO model (`.xml`) of the network, or the export itself.
          num_threads: CPU threads; None for all cores.

        Raises:
          UnsupportedGraphError: the export itself cannot be read.
          ValueError: the model is damaged, or not that of the export.
        """
        self._core = openvino.Core()
        try:
            self._load(export, input_shapes, path, num_threads)
        except RuntimeError as error:
            if path == export.path:
                raise UnsupportedGraphError(
                    f"{path} cannot be loaded by OpenVINO: {_reason(error)}"
                ) from None
            raise ValueError(
                f"{path} cannot be loaded by OpenVINO: {_reason(error)}. Export it again."
            ) from None

    def _load(
        self,
        export: Export,
        input_shapes: Mapping[str, tuple[int, int, int]],
        path: str,
        num_threads: int | None,
    ) -> None:
        if path == export.path:
            self._model = read_network(export, input_shapes, self._core)
        else:
            self._model = self._core.read_model(path)
        self._input_names = [_find_name(self._model.inputs, n) for n in export.network_inputs]
        self._output_names = [_find_name(self._model.outputs, n) for n in export.network_outputs]
        # By default a CPU that has bfloat16 uses it, which changes about one pixel in a hundred.
        self._config: dict[str, str | int] = {"INFERENCE_PRECISION_HINT": "f32"}
        if num_threads is not None:
            self._config["INFERENCE_NUM_THREADS"] = num_threads
        self._model.reshape(
            {n: [1, *list(self._model.input(n).partial_shape)[1:]] for n in self._input_names}
        )
        self._single = self._compile("LATENCY").create_infer_request()
        self._queue: openvino.AsyncInferQueue | None = None  # Made for the first batch.

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """See `engine.Network.run`.

        The images of a batch run side by side, each on few threads: as one tensor, a batch
        overflows the caches and is slower than single images, by a fifth on two cores.
        """
        batch_size = inputs[0].shape[0]
        feeds = [
            {
                name: values[index : index + 1]
                for name, values in zip(self._input_names, inputs, strict=True)
            }
            for index in range(batch_size)
        ]
        if batch_size == 1:
            self._single.infer(feeds[0], share_inputs=True)
            return [self._single.get_tensor(name).data for name in self._output_names]
        if self._queue is None:
            self._queue = openvino.AsyncInferQueue(self._compile("THROUGHPUT"))
        results: list[list[np.ndarray]] = [[] for _ in feeds]
        self._queue.set_callback(
            lambda request, index: results[index].extend(
                request.get_tensor(name).data.copy() for name in self._output_names
            )
        )
        for index, feed in enumerate(feeds):
            self._queue.start_async(feed, index, share_inputs=True)
        self._queue.wait_all()
        return [np.concatenate(parts) for parts in zip(*results, strict=True)]

    def _compile(self, hint: str) -> openvino.CompiledModel:
        return self._core.compile_model(
            self._model, "CPU", {**self._config, "PERFORMANCE_HINT": hint}
        )


def read_network(
    export: Export, input_shapes: Mapping[str, tuple[int, int, int]], core: openvino.Core
) -> openvino.Model:
    """Returns the network of an export as a model of OpenVINO, for any size of batch."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "network.pb")
        with open(path, "wb") as file:
            file.write(graph_parts.network(export, input_shapes))
        # A frozen graph marks no outputs; OpenVINO takes those that nothing reads.
        return core.read_model(path)


def _reason(error: RuntimeError) -> str:
    """Returns the part of an error of OpenVINO that says what is wrong."""
    lacking = re.search(r"No conversion rule found for operations: (.+)", str(error))
    if lacking:
        return f"it has no operation {printable(lacking[1])}"
    # The lines before name places in OpenVINO's own code.
    return printable(str(error).strip().splitlines()[-1])


def _find_name(ports, name: str) -> str:
    """Returns the name that OpenVINO gives to an input or output: "node" or "node:0"."""
    names = {candidate for port in ports for candidate in port.get_names()}
    for candidate in (name, f"{name}:0"):
        if candidate in names:
            return candidate
    raise RuntimeError(f"it has no {name}, but {', '.join(sorted(names))}")
