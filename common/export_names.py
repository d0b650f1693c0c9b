"""Names of the files of an export: a frozen graph, and what is written beside it.

    frozen_inference_graph.pb      the graph; the name is that of research/deeplab
    inference_graph.json           its description, for people and other programs
    inference_graph.tflite         its network for LiteRT
    inference_graph.xml, .bin      its network for OpenVINO
    inference_graph.onnx           the whole graph for ONNX Runtime and others
    inference_graph_int8.xml …     8-bit forms of the network
    saved_model/                   the whole graph for TensorFlow Serving

In an archive, programs written for research/deeplab's exports take the first member whose name
contains "frozen_inference_graph" for the graph, so no other file has it in its name.
"""

import os
import re

_STEM = "inference_graph"
GRAPH_FILE = f"frozen_{_STEM}.pb"
DESCRIPTION_ENDING = ".json"
# Endings of what `export_model.py` makes of a graph, of no use once the graph is replaced.
LITERT_ENDING = ".tflite"
LITERT_INT8_ENDING = "_int8.tflite"
OPENVINO_ENDING = ".xml"
OPENVINO_INT8_ENDING = "_int8.xml"
ONNX_ENDING = ".onnx"
# The folder beside `GRAPH_FILE`; beside another graph, its name comes first.
SAVED_MODEL = "saved_model"
_FORM_ENDINGS = (
    LITERT_ENDING,
    LITERT_INT8_ENDING,
    OPENVINO_ENDING,
    ".bin",
    OPENVINO_INT8_ENDING,
    "_int8.bin",
    ONNX_ENDING,
)
# Attribute of the graph's input that holds the description, too. TensorFlow ignores attributes that
# start with an underscore and carries them along.
METADATA_ATTRIBUTE = "_metadata"
# The same in the metadata of an ONNX file.
ONNX_METADATA_KEY = "description"
# What in the description tells a graph from others. Forms made of the graph carry it, too: in the
# description of an ONNX file, in the `rt_info` of OpenVINO's, and at the end of LiteRT's, behind
# what LiteRT reads.
FINGERPRINT_KEY = "fingerprint"
LITERT_FINGERPRINT_MARK = b"\nfingerprint="


def beside(graph_path: str, ending: str) -> str:
    """Returns the path of a file beside a graph: its name with an ending such as "_int8.xml"."""
    folder, name = os.path.split(os.path.splitext(graph_path)[0])
    name = re.sub(f"(frozen_)+{_STEM}", _STEM, name)
    return os.path.join(folder, name + ending)


def beside_formerly(graph_path: str, ending: str) -> str:
    """Returns the path that such a file has in exports of earlier versions."""
    return os.path.splitext(graph_path)[0] + ending


def find_beside(graph_path: str, ending: str) -> str | None:
    """Returns the path of a file that belongs to a graph, under either name, if it exists."""
    candidates = (beside(graph_path, ending), beside_formerly(graph_path, ending))
    return next(filter(os.path.exists, candidates), None)


def check_free(graph_path: str) -> None:
    """Refuses (ValueError) a graph whose files would be named as those of another one there."""
    folder = os.path.dirname(graph_path)
    wanted = beside(graph_path, DESCRIPTION_ENDING)
    for name in sorted(os.listdir(folder or ".")) if os.path.isdir(folder or ".") else []:
        other = os.path.join(folder, name)
        is_other_graph = name.endswith(".pb") and name != os.path.basename(graph_path)
        if is_other_graph and beside(other, DESCRIPTION_ENDING) == wanted:
            raise ValueError(
                f"{graph_path} and {other} cannot be in one folder, since the files beside both "
                f"would have the same names ({os.path.basename(wanted)}); choose another name or "
                "folder with export_path."
            )


def saved_model_path(graph_path: str) -> str:
    """Returns the path of the SavedModel, a folder, beside a graph."""
    folder, stem = os.path.split(beside(graph_path, ""))
    return os.path.join(folder, SAVED_MODEL if stem == _STEM else f"{stem}_{SAVED_MODEL}")


def model_name(path: str) -> str:
    """Returns a name for an export: its file's, or that of the training run around it."""
    path = os.path.abspath(path)
    for ending in (".tar.gz", ".tgz", ".pb"):
        path = path.removesuffix(ending)
    parts = [each for each in path.split(os.sep) if each]
    while len(parts) > 1 and parts[-1] in (f"frozen_{_STEM}", "export", "best"):
        parts.pop()
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in parts[-1])


def form_paths(graph_path: str) -> list[str]:
    """Returns the paths that forms of a graph may have, under either name."""
    named = [f(graph_path, ending) for ending in _FORM_ENDINGS for f in (beside, beside_formerly)]
    return [*named, saved_model_path(graph_path)]
