"""An export as the model repositories of servers other than ours, each with its command."""

import os
import re
from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from common import export_names, files
from export import model_repository
from serving import contract
from serving.export_file import Export

# Of the repositories, beside an export.
FOLDER = "bundles"
README = "README.md"
_READMES = {
    model_repository.TFSERVING: """\
# Models for TensorFlow Serving

In this folder:

    docker run --rm -p 8501:8501 -v "$PWD":/models -e MODEL_NAME={name} tensorflow/serving

It then answers at http://localhost:8501/v1/models/{name}:predict.
""",
    model_repository.TRITON: """\
# Models for Triton Inference Server

In this folder, on a machine or in a container that has Triton:

    tritonserver --model-repository="$PWD"

It then answers at http://localhost:8000/v2/models/{name}/infer.
""",
    model_repository.OVMS: """\
# Models for OpenVINO Model Server

In this folder:

    docker run --rm -p 8000:8000 -v "$PWD":/models openvino/model_server \\
      --config_path /models/config.json --rest_port 8000

It then answers at http://localhost:8000/v2/models/{name}/infer.
""",
}


def write(export: Export, kinds: Sequence[str], directory: str | None, name: str | None) -> None:
    """Lays an export out as model repositories.

    Args:
      export: a SavedModel or an ONNX file, as the kinds need it, is beside it.
      kinds: of `model_repository.KINDS`.
      directory: where each gets a folder of its own; None for one beside the export.
      name: of the model; None for one after the export's path.
    """
    directory = directory or os.path.join(os.path.dirname(export.path), FOLDER)
    if name is None:  # Servers want ASCII, and no dot in front.
        plain = re.sub("[^A-Za-z0-9_.-]", "_", export_names.model_name(export.path))
        name = plain.lstrip("_.-") or "model"
    image, *outputs = (
        _describe(export.graph.get_tensor_by_name(f"{node}:0"))
        for node in (contract.INPUT, export.signature.predictions, export.signature.probabilities)
    )
    onnx_path = export_names.beside(export.path, export_names.ONNX_ENDING)
    for kind in dict.fromkeys(kinds):
        folder = os.path.join(directory, kind)
        if kind == model_repository.TFSERVING:
            saved_path = export_names.saved_model_path(export.path)
            written = model_repository.write_tfserving(folder, name, saved_path)
        elif kind == model_repository.TRITON:
            labels = export.metadata.class_names
            written = model_repository.write_triton(folder, name, onnx_path, image, outputs, labels)
        else:
            written = model_repository.write_ovms(folder, name, onnx_path)
        readme = os.path.join(folder, README)
        files.write(readme, _READMES[kind].format(name=name).encode())
        print(f"  {written}  (how to serve it: {readme})")


def _describe(tensor: tf.Tensor) -> model_repository.Tensor:
    sides = (-1 if side is None else side for side in tensor.shape.as_list()[1:])
    return model_repository.Tensor(tensor.op.name, tensor.dtype.name, tuple(sides))
