"""Which engines are installed, which files of an export they read, and what they lack."""

import importlib.util
import os
from collections.abc import Sequence

from common import export_names
from serving import contract
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
OPTIONAL = (LITERT, ONNXRUNTIME, OPENVINO)
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
_ARCHIVE = "only the graph is read out of an archive; unpack it and name its folder"
_FORMATS = {LITERT: "tflite", ONNXRUNTIME: "onnx", OPENVINO: "openvino"}


def why_not(export: Export, name: str, precision: str = FLOAT32) -> str | None:
    """Returns why an engine cannot run an export; None where it can."""
    if export.signature.only_tensorflow and (name, precision) != (TENSORFLOW, FLOAT32):
        return f"{export.signature.only_tensorflow}, with float32."
    missing = missing_package(name)
    if missing is not None:
        return missing
    if precision == INT8 and (name, INT8) not in _ENDINGS:
        return "it has no 8-bit form; use openvino or litert."
    if name == TENSORFLOW:
        return None
    closed = _why_network_is_closed(export)
    if closed is not None:
        return f"{closed}, or use engine tensorflow."
    path = model_path(export, name, precision)
    if path == export.path:
        return None if (name, precision) == (OPENVINO, FLOAT32) else f"{_ARCHIVE}."
    if not os.path.exists(path):
        return f"there is no {path}: {_how_to_write(precision, [name])} writes it."
    return None


def _why_network_is_closed(export: Export) -> str | None:
    """Returns why no engine but TensorFlow can run an export, and what to do; None where one can.

    The sentence is left open for what else can be done.
    """
    if export.signature.only_tensorflow:
        return export.signature.only_tensorflow
    if not export.network_inputs or not export.network_outputs:
        return (
            f"the graph has no nodes {contract.NETWORK_IMAGE} and {export.signature.logits}; "
            "export the checkpoint again with python export_model.py"
        )
    if not choice.is_described(export):
        return (
            "its description is that of an earlier version, and does not say how images become the "
            "network's input; export the checkpoint again with python export_model.py"
        )
    return None


def why_none(export: Export, precision: str) -> str:
    """Returns why no installed engine can run an export, and what to do."""
    installed = [each for each in NAMES if each != AUTO and missing_package(each) is None]
    reasons = []
    if precision == FLOAT32:
        reasons.append(f"TensorFlow, which runs any graph, is missing ({_INSTALL[TENSORFLOW]})")
    closed, found = _why_network_is_closed(export), unread_forms(export, precision)
    if closed is not None:
        reasons.append(f"for other engines, {closed}")
    elif export.is_from_archive:
        reasons.append(f"for other engines, {_ARCHIVE}")
    elif found:
        reasons += [f"{path} needs {each} ({_INSTALL[each]})" for path, each in found.items()]
    else:
        names = [each for each, of in _ENDINGS if of == precision]
        paths = (form_path(export.path, each, precision) for each in names)
        how = _how_to_write(precision, [each for each in names if each in installed] or names)
        reasons.append(
            f"beside it is no {' and no '.join(map(os.path.basename, paths))}: {how} writes one"
        )
    return (
        f"{export.path} cannot be run as {precision} by what is installed "
        f"({', '.join(installed) or 'no engine'}): {'; '.join(reasons)}."
    )


def unread_forms(export: Export, precision: str) -> dict[str, str]:
    """Returns the engines that read forms of an export and are not installed, by the forms' paths.

    Args:
      export: the model.
      precision: of the forms.
    """
    if export.is_from_archive:
        return {}
    found = {
        export_names.find_beside(export.path, ending): name
        for (name, of), ending in _ENDINGS.items()
        if of == precision and missing_package(name) is not None
    }
    return {path: name for path, name in found.items() if path is not None}


def how_to_install(name: str) -> str:
    """Returns what installs an engine, as a command."""
    return _INSTALL[name]


def _how_to_write(precision: str, names: Sequence[str]) -> str:
    """Returns the command that writes the forms for some engines."""
    if precision == INT8:
        formats = " --formats=pb,tflite" if LITERT in names else ""
        return f"python export_model.py --quantize=int8 --calibration_images=…{formats}"
    formats = ",".join(_FORMATS[each] for each in names)
    return f"python export_model.py --formats=pb,{formats}"


def missing_package(name: str) -> str | None:
    """Returns that the package of an engine is missing, and how to install it; None if it is there.

    It continues the name of the engine.
    """
    if importlib.util.find_spec(_PACKAGES[name]) is None:
        return f"its package is not installed: {_INSTALL[name]}."
    return None


def model_path(export: Export, name: str, precision: str) -> str:
    """Returns the file that an engine reads for an export, under the name of any version.

    Where there is none, the path to which `export_model.py` writes it; for an archive, of which
    only the graph is read, its own. OpenVINO reads the `.pb` as well, though not as fast.
    """
    ending = _ENDINGS.get((name, precision))
    if ending is None or export.is_from_archive:
        return export.path
    found = export_names.find_beside(export.path, ending)
    if found is None and (name, precision) == (OPENVINO, FLOAT32):
        return export.path
    return found or form_path(export.path, name, precision)


def form_path(export_path: str, name: str, precision: str) -> str:
    """Returns where `export_model.py` writes a form of an export for an engine."""
    return export_names.beside(export_path, _ENDINGS[name, precision])
