"""What runs an exported graph. `create` picks an engine by name; each has a file of its own.

`auto` prefers OpenVINO and LiteRT to TensorFlow (docs/serving.md has the figures); where both can
run an export, it tries them, since which one is faster depends on network and processor. Their
packages are optional and imported when they are asked for.
"""

import importlib.util
import os
from collections.abc import Callable

from common import export_names
from serving import export_file
from serving.engines import autotune
from serving.engines.engine import Engine

AUTO = "auto"
TENSORFLOW = "tensorflow"
OPENVINO = "openvino"
LITERT = "litert"
FLOAT32 = "float32"
INT8 = "int8"
NAMES = (AUTO, TENSORFLOW, OPENVINO, LITERT)
PRECISIONS = (FLOAT32, INT8)

_PACKAGES = {TENSORFLOW: "tensorflow", OPENVINO: "openvino", LITERT: "ai_edge_litert"}
# Both are always faster than TensorFlow. LiteRT starts sooner: it has nothing to compile.
_OPTIONAL = (LITERT, OPENVINO)
_INSTALL = {
    OPENVINO: "run make setup-openvino, or pip install openvino",
    LITERT: "run make setup-litert, or pip install ai-edge-litert",
}
_INT8_ENDINGS = {OPENVINO: "_int8.xml", LITERT: "_int8.tflite"}


def create(
    export: export_file.Export,
    name: str,
    precision: str,
    num_threads: int | None,
    try_engines: bool = True,
) -> Engine:
    """Returns the engine that runs an export.

    Args:
      export: the model.
      name: one of `NAMES`; "auto" takes the fastest one that is installed and can run the export,
        which takes a second or two to find out where there is a choice.
      precision: "float32" or "int8".
      num_threads: CPU threads; None for the engine's own choice.
      try_engines: whether "auto" tries them; otherwise it takes the one that starts soonest.

    Raises:
      ValueError: there is no such engine or precision, its package is not installed, or the export
        has not what it needs.
    """
    for value, allowed, what in ((name, NAMES, "engine"), (precision, PRECISIONS, "precision")):
        if value not in allowed:
            raise ValueError(f"{what} is {value!r}; expected one of {', '.join(allowed)}.")
    if name == AUTO:
        return _automatic(export, precision, num_threads, try_engines)
    reason = why_not(export, name, precision)
    if reason is not None:
        raise ValueError(f"engine {name} cannot run {export.path} as {precision}: {reason}")
    return _BUILDERS[name](export, precision, num_threads)


def _automatic(
    export: export_file.Export, precision: str, num_threads: int | None, try_engines: bool
) -> Engine:
    usable = [each for each in _OPTIONAL if why_not(export, each, precision) is None]
    if not usable and why_not(export, TENSORFLOW, precision) is None:
        usable = [TENSORFLOW]
    if not usable:
        raise ValueError(
            f"{export.path} has no {precision} form that an installed engine can run: "
            f"{why_not(export, OPENVINO, precision)}"
        )
    if not try_engines:
        usable = usable[:1]
    entrants = [_BUILDERS[each](export, precision, num_threads) for each in usable]
    return autotune.fastest(entrants, export.metadata.crop_size)


def why_not(export: export_file.Export, name: str, precision: str = FLOAT32) -> str | None:
    """Returns why an engine cannot run an export; None where it can."""
    if importlib.util.find_spec(_PACKAGES[name]) is None:
        return f"its package is not installed: {_INSTALL[name]}."
    if name == TENSORFLOW:
        return None if precision == FLOAT32 else "it has no 8-bit form; take openvino or litert."
    if not export.network_inputs or not export.network_outputs:
        return (
            "the graph has no nodes NetworkImage and SemanticLogits; export the checkpoint again "
            "with python export_model.py, or take engine tensorflow."
        )
    path = model_path(export.path, name, precision)
    if path != export.path and not os.path.exists(path):
        how = "--quantize=int8" if precision == INT8 else "--formats=pb,tflite"
        return f"there is no {path}: python export_model.py {how} writes it."
    return None


def model_path(export_path: str, name: str, precision: str) -> str:
    """Returns the file that an engine reads for an export; that of earlier versions if it is one.

    Where there is none, the path at which `export_model.py` writes it.
    """
    if precision != INT8 and name != LITERT:
        return export_path
    return export_names.find_beside(export_path, _ending(name, precision)) or form_path(
        export_path, name, precision
    )


def form_path(export_path: str, name: str, precision: str) -> str:
    """Returns where `export_model.py` writes a form of an export for an engine."""
    return export_names.beside(export_path, _ending(name, precision))


def _ending(name: str, precision: str) -> str:
    return _INT8_ENDINGS[name] if precision == INT8 else ".tflite"


def _tensorflow(export: export_file.Export, precision: str, num_threads: int | None) -> Engine:
    from serving.engines.tensorflow_engine import TensorFlowEngine

    del precision
    return TensorFlowEngine(export, num_threads)


def _openvino(export: export_file.Export, precision: str, num_threads: int | None) -> Engine:
    from serving.engines.openvino_network import OpenVINONetwork
    from serving.engines.split_engine import SplitEngine

    path = model_path(export.path, OPENVINO, precision) if precision == INT8 else None
    return SplitEngine(export, OpenVINONetwork(export, path, num_threads), OPENVINO, num_threads)


def _litert(export: export_file.Export, precision: str, num_threads: int | None) -> Engine:
    from serving.engines.litert_network import LiteRTNetwork
    from serving.engines.split_engine import SplitEngine

    path = model_path(export.path, LITERT, precision)
    return SplitEngine(export, LiteRTNetwork(export, path, num_threads), LITERT, num_threads)


_BUILDERS: dict[str, Callable[[export_file.Export, str, int | None], Engine]] = {
    TENSORFLOW: _tensorflow,
    OPENVINO: _openvino,
    LITERT: _litert,
}
