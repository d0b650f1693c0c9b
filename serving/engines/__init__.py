"""Runs exported graphs: `create` picks an engine by name.

`auto` prefers all others to TensorFlow (docs/serving.md has the figures). Where several can run an
export, it tries them, since which one is faster depends on network and processor. Their packages
are optional and imported when they are needed, TensorFlow too.
"""

import importlib.util
import os

from common import export_names
from serving import contract
from serving.engines import autotune
from serving.engines.engine import Engine, Network
from serving.engines.split_engine import SplitEngine
from serving.export_file import Export
from serving.processing import choice

AUTO = "auto"
TENSORFLOW = "tensorflow"
OPENVINO = "openvino"
LITERT = "litert"
ONNXRUNTIME = "onnxruntime"
FLOAT32 = "float32"
INT8 = "int8"
NAMES = (AUTO, TENSORFLOW, OPENVINO, LITERT, ONNXRUNTIME)
PRECISIONS = (FLOAT32, INT8)

_PACKAGES = {
    TENSORFLOW: "tensorflow",
    OPENVINO: "openvino",
    LITERT: "ai_edge_litert",
    ONNXRUNTIME: "onnxruntime",
}
# All are faster than TensorFlow. The first ones start sooner: LiteRT has nothing to compile.
_OPTIONAL = (LITERT, ONNXRUNTIME, OPENVINO)
_INSTALL = {
    OPENVINO: "run make setup-openvino, or pip install openvino",
    LITERT: "run make setup-litert, or pip install ai-edge-litert",
    ONNXRUNTIME: "run make setup-onnx, or pip install onnxruntime",
    TENSORFLOW: "run make setup, or pip install tensorflow",
}
# What engines read, and what `export_model.py` needs to be told to write it.
_ENDINGS = {
    (LITERT, FLOAT32): export_names.LITERT_ENDING,
    (LITERT, INT8): export_names.LITERT_INT8_ENDING,
    (OPENVINO, FLOAT32): export_names.OPENVINO_ENDING,
    (OPENVINO, INT8): export_names.OPENVINO_INT8_ENDING,
    (ONNXRUNTIME, FLOAT32): export_names.ONNX_ENDING,
}
_FORMATS = {LITERT: "tflite", ONNXRUNTIME: "onnx", OPENVINO: "openvino"}


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
      name: one of `NAMES`; "auto" takes the fastest one that is installed and can run the export.
      precision: "float32" or "int8".
      num_threads: CPU threads; None for the engine's own choice.
      trial_size: (height, width) of the image on which "auto" tries engines where there is a
        choice, which takes a second or two; None to take the one that starts soonest.

    Raises:
      ValueError: there is no such engine or precision, its package is not installed, or the export
        lacks what the engine needs.
    """
    for value, allowed, what in ((name, NAMES, "engine"), (precision, PRECISIONS, "precision")):
        if value not in allowed:
            raise ValueError(f"{what} is {value!r}; expected one of {', '.join(allowed)}.")
    if name != AUTO:
        reason = why_not(export, name, precision)
        if reason is not None:
            raise ValueError(f"engine {name} cannot run {export.path} as {precision}: {reason}")
        return _build(export, name, precision, num_threads)
    usable = [each for each in _OPTIONAL if why_not(export, each, precision) is None]
    if not usable and precision == FLOAT32:
        usable = [TENSORFLOW]
    if not usable:
        raise ValueError(
            f"{export.path} has no {precision} form that an installed engine can run: "
            f"{why_not(export, OPENVINO, precision)}"
        )
    if trial_size is None or len(usable) == 1:
        return _build(export, usable[0], precision, num_threads)
    return autotune.fastest(
        [_build(export, each, precision, num_threads) for each in usable], trial_size
    )


def why_not(export: Export, name: str, precision: str = FLOAT32) -> str | None:
    """Returns why an engine cannot run an export; None where it can."""
    missing = missing_package(name)
    if missing is not None:
        return missing
    if precision == INT8 and (name, INT8) not in _ENDINGS:
        return "it has no 8-bit form; use openvino or litert."
    if name == TENSORFLOW:
        return None
    if not export.network_inputs or not export.network_outputs:
        return (
            f"the graph has no nodes {contract.NETWORK_IMAGE} and {export.signature.logits}; "
            "export the checkpoint again with python export_model.py, or use engine tensorflow."
        )
    if not choice.is_described(export):
        return (
            "its description is that of an earlier version, and does not say how images become the "
            "network's input; export the checkpoint again with python export_model.py, or use "
            "engine tensorflow."
        )
    path = model_path(export.path, name, precision)
    if path != export.path and not os.path.exists(path):
        how = "--quantize=int8" if precision == INT8 else f"--formats=pb,{_FORMATS[name]}"
        return f"there is no {path}: python export_model.py {how} writes it."
    return None


def missing_package(name: str) -> str | None:
    """Returns that the package of an engine is missing, and how to install it; None if it is there.

    It continues the name of the engine.
    """
    if importlib.util.find_spec(_PACKAGES[name]) is None:
        return f"its package is not installed: {_INSTALL[name]}."
    return None


def model_path(export_path: str, name: str, precision: str) -> str:
    """Returns the file that an engine reads for an export, under the name of any version.

    Where there is none, the path to which `export_model.py` writes it. OpenVINO reads the `.pb` as
    well, though not as fast.
    """
    ending = _ENDINGS.get((name, precision))
    if ending is None:
        return export_path
    found = export_names.find_beside(export_path, ending)
    if found is None and (name, precision) == (OPENVINO, FLOAT32):
        return export_path
    return found or form_path(export_path, name, precision)


def form_path(export_path: str, name: str, precision: str) -> str:
    """Returns where `export_model.py` writes a form of an export for an engine."""
    return export_names.beside(export_path, _ENDINGS[name, precision])


def _build(export: Export, name: str, precision: str, num_threads: int | None) -> Engine:
    if name == TENSORFLOW:
        from serving.engines.tensorflow_engine import TensorFlowEngine

        return TensorFlowEngine(export, num_threads)
    path = model_path(export.path, name, precision)
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
