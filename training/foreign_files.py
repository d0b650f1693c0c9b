"""What to do with a file or folder that a user took for a checkpoint."""

import os
import re

from common import checkpoint_files
from common.texts import first_few, printable

_EXPORTED_GRAPH = "frozen_inference_graph.pb"
_SAVED_MODEL = "saved_model.pb"
_WANTED = (
    "give a checkpoint of TensorFlow, model.ckpt-N.index and its data file; docs/importing.md "
    "tells of published ones"
)
_KERAS = f"holds weights of Keras, which are not read: {_WANTED}"
_PYTORCH = f"holds weights of PyTorch, which are not read: {_WANTED}"
_FRAMEWORK = f"belongs to another framework and is not read: {_WANTED}"
_ONNX = f"is an ONNX model, which is not read: {_WANTED}"
_GRAPH = (
    "is a graph, not a checkpoint: python -m scripts.import_graph {path} OUT_DIR makes a "
    "checkpoint of a frozen one; then give OUT_DIR"
)
_TFLITE = (
    "is a TFLite model, not a checkpoint: python -m scripts.import_tflite {path} OUT_DIR makes a "
    "checkpoint of it; then give OUT_DIR"
)
_ARCHIVE = "is an archive: unpack it, and give the folder in it that holds the *.index file"
_SAVED_MODEL_ADVICE = (
    "is a SavedModel, which is made for serving and is not read: give the checkpoint that it was "
    "exported from"
)
_OLD_CHECKPOINT = (
    "is a checkpoint of TensorFlow before 0.12, in one file, which is not read: have TensorFlow "
    "restore it and save it again with tf.compat.v1.train.Saver"
)

# Beginnings of files; believed before the name.
_HEADS = (
    (rb"\x89HDF\r\n", _KERAS),
    (rb"....TFL3", _TFLITE),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|Rar!|7z\xbc\xaf", _ARCHIVE),
    (rb".{257}ustar", _ARCHIVE),
)
_ENDINGS = {
    **dict.fromkeys((".h5", ".hdf5", ".keras"), _KERAS),
    **dict.fromkeys((".pb", ".pbtxt", ".meta"), _GRAPH),
    ".tflite": _TFLITE,
    ".onnx": _ONNX,
    **dict.fromkeys((".pth", ".pt", ".bin", ".safetensors", ".ckpt"), _PYTORCH),
    **dict.fromkeys((".tar", ".gz", ".tgz", ".bz2", ".xz", ".zip", ".7z", ".rar"), _ARCHIVE),
    **dict.fromkeys((".npz", ".npy", ".pkl", ".params", ".pdparams", ".caffemodel"), _FRAMEWORK),
    **dict.fromkeys((".mlmodel", ".mlpackage", ".engine", ".msgpack", ".mat"), _FRAMEWORK),
}
_HEAD_BYTES = 512
_TABLE_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")


def explain(path: str) -> str | None:
    """Returns what a path is instead of a checkpoint, and what to do; None if nothing is there."""
    name = printable(path)
    if os.path.isdir(path):
        return f"folder {name} {_explain_folder(path)}"
    if not os.path.isfile(path):
        return None
    if os.path.basename(path) == checkpoint_files.STATE_FILE:
        folder = os.path.dirname(name) or "."
        return f"{name} only lists checkpoints; give the folder {folder} for its newest one."
    return f"{name} {_explain_file(path).format(path=name)}."


def _explain_file(path: str) -> str:
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
            file.seek(max(0, os.path.getsize(path) - len(_TABLE_MAGIC)))
            end = file.read()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if end == _TABLE_MAGIC:
        return _OLD_CHECKPOINT
    for pattern, advice in _HEADS:
        if re.match(pattern, head, re.DOTALL):
            return advice
    if os.path.basename(path) == _SAVED_MODEL:
        return _SAVED_MODEL_ADVICE
    ending = os.path.splitext(path)[1].lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    if head.startswith(b"PK\x03\x04"):  # PyTorch's files are such archives, too.
        return _ARCHIVE
    return f"is not a checkpoint: {_WANTED}"


def _explain_folder(path: str) -> str:
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        return f"cannot be read ({error.strerror})."
    if _SAVED_MODEL in names:
        return f"{_SAVED_MODEL_ADVICE}."
    if _EXPORTED_GRAPH in names:
        graph = printable(os.path.join(path, _EXPORTED_GRAPH))
        return (
            f"is an exported model and holds no checkpoint: give the folder of its training, or "
            f"make one with python -m scripts.import_graph {graph} OUT_DIR and give OUT_DIR."
        )
    deeper = [
        os.path.join(path, name)
        for name in names
        if checkpoint_files.find_all(os.path.join(path, name))
    ]
    if deeper:
        return f"holds no checkpoint itself (no *.index file), but these do: {first_few(deeper)}."
    data = next((name for name in names if re.search(r"\.data-\d{5}-of-\d{5}$", name)), None)
    if data is not None:
        index = re.sub(r"\.data-.*", ".index", data)
        return (
            f"holds no checkpoint: {printable(data)} is there, but not {printable(index)}, which "
            "belongs to it; copy that, too."
        )
    foreign = next((name for name in names if os.path.splitext(name)[1].lower() in _ENDINGS), None)
    if foreign is not None:
        return f"holds no checkpoint (no *.index file). {explain(os.path.join(path, foreign))}"
    return "holds no checkpoint (no *.index file)."
