"""What a user may take for a checkpoint, and what the command says to it."""

import io
import tarfile
import zipfile

import numpy as np
import pytest

from tests.training.test_checkpoints import WEIGHTS, save
from training import checkpoints


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("model.ckpt.index"))
    return buffer.getvalue()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    return buffer.getvalue()


FILES = {
    "x.h5": (b"\x89HDF\r\n\x1a\n", "holds weights of Keras, which are not read"),
    "renamed": (b"\x89HDF\r\n\x1a\n", "holds weights of Keras, which are not read"),
    "x.weights.h5": (b"", "holds weights of Keras"),
    "x.keras": (_zip(), "holds weights of Keras"),
    "x.pb": (b"\n\x05graph", r"python -m scripts\.import_graph .*x\.pb OUT_DIR"),
    "X.PB": (b"\n\x05graph", r"python -m scripts\.import_graph .*X\.PB OUT_DIR"),
    "x.tflite": (b"\x1c\0\0\0TFL3", r"python -m scripts\.import_tflite .*x\.tflite OUT_DIR"),
    "model.lite": (b"\x1c\0\0\0TFL3", r"python -m scripts\.import_tflite .*model\.lite OUT_DIR"),
    "x.onnx": (b"\x08\x08", "is an ONNX model, which is not read"),
    "x.pth": (_zip(), "holds weights of PyTorch"),
    "x.safetensors": (b"", "holds weights of PyTorch"),
    "x.tar.gz": (_archive(), "is an archive: unpack it"),
    "archive": (_archive(), "is an archive: unpack it"),
    "x.zip": (_zip(), "is an archive: unpack it"),
    "x.npz": (_zip(), "belongs to another framework"),
    "resnet_v1_50.ckpt": (
        b"old" * 9 + bytes.fromhex("57fb808b247547db"),
        "is a checkpoint of TensorFlow before 0.12, in one file",
    ),
    "options.json": (b"{}", "options.json is not a checkpoint: give a checkpoint"),
    "checkpoint": (b"", r"only lists checkpoints; give the folder /.* for its newest one"),
}


@pytest.mark.parametrize("name", FILES)
def test_file_of_another_kind_is_told_with_what_to_do(tmp_path, name):
    content, message = FILES[name]
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ValueError, match=message) as failure:
        checkpoints.find_checkpoint(str(tmp_path / name))

    assert str(tmp_path / name) in str(failure.value)
    assert "\n" not in str(failure.value)


FOLDERS = {
    "SavedModel": (["saved_model.pb", "variables/variables.index.txt"], "is a SavedModel"),
    "export": (
        ["frozen_inference_graph.pb", "frozen_inference_graph.json"],
        r"is an exported model .*scripts\.import_graph .*frozen_inference_graph\.pb OUT_DIR",
    ),
    "data without index": (
        ["model.ckpt-5.data-00000-of-00001"],
        r"model\.ckpt-5\.data-00000-of-00001 is there, but not model\.ckpt-5\.index",
    ),
    "Keras": (["weights.h5"], r"no \*\.index file\)\. .*weights\.h5 holds weights of Keras"),
    "empty": ([], r"holds no checkpoint \(no \*\.index file\)\.$"),
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_folder_without_checkpoint_says_what_it_is(tmp_path, kind):
    names, message = FOLDERS[kind]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")

    with pytest.raises(ValueError, match=message) as failure:
        checkpoints.find_checkpoint(str(tmp_path))

    assert str(failure.value).startswith(f"folder {tmp_path} ")


def test_folder_above_is_answered_with_the_folders_of_checkpoints(tmp_path):
    save(tmp_path / "run", 3, WEIGHTS)

    with pytest.raises(ValueError, match=f"but these do: {tmp_path}/run\\.$"):
        checkpoints.find_checkpoint(str(tmp_path))


def test_prefix_that_looks_like_a_file_of_another_kind_is_a_checkpoint(tmp_path):
    """Users name checkpoints as they like, and a checkpoint goes before everything else."""
    prefix = save(tmp_path, 3, WEIGHTS)
    for ending in ("index", "data-00000-of-00001"):
        (tmp_path / f"model.ckpt-3.{ending}").rename(tmp_path / f"best.h5.{ending}")

    found = checkpoints.find_checkpoint(str(tmp_path / "best.h5"))

    assert found == str(tmp_path / "best.h5") != prefix
    np.testing.assert_array_equal(
        checkpoints.Reader(found).value("conv/weights"), WEIGHTS["conv/weights"]
    )
