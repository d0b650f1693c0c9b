"""Exports laid out as the servers of others want to find them. Knows no task.

    tfserving/NAME/1/saved_model.pb …             TensorFlow Serving
    triton/NAME/config.pbtxt, labels.txt, 1/model.onnx   Triton Inference Server
    ovms/config.json, NAME/1/model.onnx           OpenVINO Model Server

A model that is there already gets the next version, which a running server finds by itself. A
version is written whole or not at all. No file holds a path outside its repository.
"""

import contextlib
import dataclasses
import os
import re
import shutil
from collections.abc import Iterator, Sequence

from common import files, json_files
from common.texts import printable

TFSERVING, TRITON, OVMS = "tfserving", "triton", "ovms"
KINDS = (TFSERVING, TRITON, OVMS)

_CONFIG = "config.json"
_MODELS, _MODEL = "model_config_list", "config"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# Triton runs up to so many images of one size together, and waits so long for others.
_MAX_BATCH_SIZE = 8
_MAX_DELAY_MICROSECS = 5000
_TRITON_TYPES = {"uint8": "TYPE_UINT8", "int32": "TYPE_INT32", "float32": "TYPE_FP32"}


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or output of a model.

    Attributes:
      name: what it is called in requests.
      dtype: "uint8", "int32" or "float32".
      sides: those of its shape after the batch; -1 for those that are free.
    """

    name: str
    dtype: str
    sides: tuple[int, ...]


def check_name(name: str) -> None:
    """Makes sure (ValueError) that all servers take a name for a model."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{printable(name)!r} cannot be the name of a model; expected letters, digits, '_', "
            "'.' and '-', the first one a letter or digit."
        )


def write_tfserving(folder: str, name: str, saved_model: str) -> str:
    """Adds a SavedModel to a repository for TensorFlow Serving; returns the version's folder."""
    check_name(name)
    with _new_version(folder, name) as (path, version):
        shutil.copytree(saved_model, path, dirs_exist_ok=True)
    return version


def write_triton(
    folder: str,
    name: str,
    onnx_file: str,
    image: Tensor,
    outputs: Sequence[Tensor],
    labels: Sequence[str],
) -> str:
    """Adds an ONNX file to a repository for Triton.

    Args:
      folder: the repository.
      name: of the model.
      onnx_file: whose tensors all have the batch as their first dimension.
      image, outputs: its tensors.
      labels: names of what the last dimension of outputs counts; () if unknown. Triton gives them
        to clients that ask for the likeliest of an output of one dimension.

    Returns:
      The version's folder.
    """
    check_name(name)
    with _new_version(folder, name) as (path, version):
        shutil.copyfile(onnx_file, os.path.join(path, "model.onnx"))
        inside = os.path.join(folder, name)
        if labels:
            content = "".join(f"{printable(label)}\n" for label in labels)
            files.write(os.path.join(inside, "labels.txt"), content.encode())
        config = _triton_config(name, image, outputs, bool(labels))
        files.write(os.path.join(inside, "config.pbtxt"), config.encode())
    return version


def write_ovms(folder: str, name: str, onnx_file: str) -> str:
    """Adds an ONNX file to a repository for OpenVINO Model Server; returns the version's folder.

    Raises:
      ValueError: the repository's configuration is damaged.
    """
    check_name(name)
    path = os.path.join(folder, _CONFIG)
    models = _ovms_models(path)
    with _new_version(folder, name) as (version_path, version):
        shutil.copyfile(onnx_file, os.path.join(version_path, "model.onnx"))
    entry = {
        "name": name,
        "base_path": name,  # Beside the configuration.
        # By default a CPU that has bfloat16 uses it, which changes about one pixel in a hundred.
        "plugin_config": {"INFERENCE_PRECISION_HINT": "f32"},
    }
    others = [each for each in models if each[_MODEL].get("name") != name]
    json_files.write(path, {_MODELS: [*others, {_MODEL: entry}]})
    return version


def _ovms_models(path: str) -> list[dict]:
    if not os.path.exists(path):
        return []
    models = json_files.read_object(path).get(_MODELS, [])
    if not isinstance(models, list) or not all(
        isinstance(each, dict) and isinstance(each.get(_MODEL), dict) for each in models
    ):
        raise ValueError(f"{printable(path)}: {_MODELS} is not a list of models; fix or remove it.")
    return models


def _triton_config(name: str, image: Tensor, outputs: Sequence[Tensor], has_labels: bool) -> str:
    def described(kind: str, tensor: Tensor, label_file: str = "") -> list[str]:
        sides = ", ".join(map(str, tensor.sides))
        return [
            f"{kind} {{",
            f'  name: "{tensor.name}"',
            f"  data_type: {_TRITON_TYPES[tensor.dtype]}",
            f"  dims: [{sides}]" if tensor.sides else "  dims: [1]\n  reshape: { shape: [] }",
            *([f'  label_filename: "{label_file}"'] if label_file else []),
            "}",
        ]

    lines = [
        f'name: "{name}"',
        'backend: "onnxruntime"',
        f"max_batch_size: {_MAX_BATCH_SIZE}",
        f"dynamic_batching {{ max_queue_delay_microseconds: {_MAX_DELAY_MICROSECS} }}",
        *described("input", image),
    ]
    for tensor in outputs:
        is_labeled = has_labels and tensor.dtype == "float32" and len(tensor.sides) == 1
        lines += described("output", tensor, "labels.txt" if is_labeled else "")
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def _new_version(folder: str, name: str) -> Iterator[tuple[str, str]]:
    """Yields a folder for the next version of a model, and the path that it will have."""
    inside = os.path.join(folder, name)
    os.makedirs(inside, exist_ok=True)
    files.remove_leftovers(inside)
    numbers = [int(each) for each in os.listdir(inside) if each.isdecimal()]
    version = os.path.join(inside, str(max(numbers, default=0) + 1))
    with files.replacing_folder(version) as path:
        yield path, version
