"""The network in OpenVINO, read from the same `.pb`, or 8-bit from an `.xml` beside it."""

import itertools
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
          UnsupportedGraphError: the export itself cannot be read, or not copied for OpenVINO.
          ValueError: the model is damaged, or not that of the export.
        """
        self._core = openvino.Core()
        try:
            self._load(export, input_shapes, path, num_threads)
        except OSError as error:
            raise UnsupportedGraphError(
                f"{path} cannot be loaded by OpenVINO, which reads a copy of its network in "
                f"{tempfile.gettempdir()}: {error.strerror}"
            ) from None
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

    def run(self, feeds: Iterable[Sequence[np.ndarray]]) -> Iterator[Sequence[np.ndarray]]:
        """See `engine.Network.run`. Several images run side by side, each on few threads."""
        named = (dict(zip(self._input_names, inputs, strict=True)) for inputs in feeds)
        first, second = (next(named, None) for _ in range(2))
        if first is None:
            return
        if second is None:
            self._single.infer(first, share_inputs=True)
            yield [self._single.get_tensor(name).data for name in self._output_names]
        else:
            yield from self._run_side_by_side(itertools.chain([first, second], named))

    def _run_side_by_side(
        self, feeds: Iterable[dict[str, np.ndarray]]
    ) -> Iterator[Sequence[np.ndarray]]:
        if self._queue is None:
            self._queue = openvino.AsyncInferQueue(self._compile("THROUGHPUT"))
        results: dict[int, Sequence[np.ndarray]] = {}

        errors: list[BaseException] = []
        names = self._output_names  # The queue holds the function, which must not hold the queue.

        # With each request goes its feed, whose memory it shares, so that it stays until then.
        def keep(request: openvino.InferRequest, of: tuple[int, dict[str, np.ndarray]]) -> None:
            try:
                results[of[0]] = [request.get_tensor(name).data.copy() for name in names]
            except BaseException as error:  # In OpenVINO it would end the process.
                errors.append(error)

        self._queue.set_callback(keep)
        try:
            for index, feed in enumerate(feeds):
                self._queue.start_async(feed, (index, feed), share_inputs=True)
        finally:
            self._queue.wait_all()
        if errors:
            raise errors[0]
        for index in range(len(results)):
            yield results.pop(index)

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
