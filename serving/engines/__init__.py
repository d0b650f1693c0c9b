"""Runs exported graphs: `create` picks an engine by name.

`auto` prefers all others to TensorFlow (docs/serving.md has the figures). Where several can run an
export, it tries them, since which one is faster depends on network and processor. Their packages
are optional and imported when they are needed, TensorFlow too.
"""

import warnings

from serving.engines import autotune, form_fingerprint
from serving.engines.availability import (
    AUTO,
    FLOAT32,
    INT8,
    LITERT,
    NAMES,
    ONNXRUNTIME,
    OPENVINO,
    OPTIONAL,
    PRECISIONS,
    TENSORFLOW,
    form_path,
    how_to_install,
    missing_package,
    model_path,
    unread_forms,
    why_none,
    why_not,
)
from serving.engines.engine import (
    Engine,
    EngineSkippedWarning,
    Network,
    UnsupportedGraphError,
)
from serving.engines.split_engine import SplitEngine
from serving.export_file import Export
from serving.processing import choice

__all__ = [
    "AUTO",
    "FLOAT32",
    "INT8",
    "LITERT",
    "NAMES",
    "ONNXRUNTIME",
    "OPENVINO",
    "PRECISIONS",
    "TENSORFLOW",
    "choose",
    "create",
    "form_path",
    "how_to_install",
    "missing_package",
    "model_path",
    "unread_forms",
    "why_not",
]


def create(
    export: Export,
    name: str,
    precision: str,
    num_threads: int | None,
    trial_size: tuple[int, int] | None,
) -> Engine:
    """Returns the engine that runs an export.

    Args:
      export: the model to run.
      name: one of `NAMES`; "auto" takes the fastest one that is installed and can run the export,
        and says so in an `EngineSkippedWarning` where one that is installed lacks an operation.
      precision: "float32" or "int8".
      num_threads: CPU threads; None for the engine's own choice.
      trial_size: (height, width) of the image on which "auto" tries engines where there is a
        choice, which takes a second or two; None to take the one that starts soonest.

    Raises:
      ValueError: there is no such engine or precision, its package is not installed, or the export
        lacks what the engine needs.
    """
    usable = choose(export, name, precision)
    if name != AUTO:
        try:
            return _build(export, name, precision, num_threads)
        except UnsupportedGraphError as error:
            raise ValueError(f"{error}; use engine tensorflow.") from None
    built: list[Engine] = []
    for each in usable:
        try:
            built.append(_build(export, each, precision, num_threads))
        except UnsupportedGraphError as error:
            problem = None if built else missing_package(TENSORFLOW)
            if problem is not None and each == usable[-1]:
                raise ValueError(f"{error}, and of TensorFlow, {problem}") from None
            warnings.warn(f"{error}; another engine runs it.", EngineSkippedWarning, stacklevel=2)
        if built and trial_size is None:
            break
    if not built:
        return _build(export, TENSORFLOW, precision, num_threads)
    if len(built) == 1 or trial_size is None:
        return built[0]
    return autotune.fastest(built, trial_size)


def choose(export: Export, name: str, precision: str) -> list[str]:
    """Returns the engines of which `create` takes one, those that start sooner first.

    Nothing is loaded, and TensorFlow is not needed.

    Raises:
      ValueError: see `create`.
    """
    for value, allowed, what in ((name, NAMES, "engine"), (precision, PRECISIONS, "precision")):
        if value not in allowed:
            raise ValueError(f"{what} is {value!r}; expected one of {', '.join(allowed)}.")
    if name != AUTO:
        reason = why_not(export, name, precision)
        if reason is not None:
            raise ValueError(f"engine {name} cannot run {export.path} as {precision}: {reason}")
        return [name]
    usable = [each for each in OPTIONAL if why_not(export, each, precision) is None]
    if not usable and why_not(export, TENSORFLOW, precision) is None:
        usable = [TENSORFLOW]
    if not usable:
        raise ValueError(why_none(export, precision))
    return usable


def _build(export: Export, name: str, precision: str, num_threads: int | None) -> Engine:
    if name == TENSORFLOW:
        from serving.engines.tensorflow_engine import TensorFlowEngine

        return TensorFlowEngine(export, num_threads)
    path = model_path(export, name, precision)
    if path != export.path:
        form_fingerprint.check(export, path)
    surroundings = choice.create(export, num_threads)
    network: Network
    if name == OPENVINO:
        from serving.engines.openvino_network import OpenVINONetwork

        network = OpenVINONetwork(export, surroundings.input_shapes, path, num_threads)
    elif name == ONNXRUNTIME:
        from serving.engines.onnxruntime_network import ONNXRuntimeNetwork

        network = ONNXRuntimeNetwork(
            export.network_inputs, export.network_outputs, path, num_threads
        )
    else:
        from serving.engines.litert_network import LiteRTNetwork

        network = LiteRTNetwork(export, path, num_threads)
    return SplitEngine(export, network, surroundings, name)
