"""What engines lack to run an export: each answer says what to install or to export."""

import importlib.util
import shutil

import pytest

from serving.deeplab_model import DeepLabModel
from serving.engines import availability
from tests.support import lgamma_export, toy_export


def install(monkeypatch, *names: str) -> None:
    """Has only these engines installed, or seem so."""
    packages = {availability._PACKAGES[name] for name in names}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in packages or None)


@pytest.mark.parametrize(
    ("installed", "forms", "precision", "message"),
    [
        (
            (),
            (),
            "float32",
            r"by what is installed \(no engine\): TensorFlow, which runs any graph, is missing \("
            r"run make setup, or pip install tensorflow\); beside it is no inference_graph\.tflite "
            r"and no inference_graph\.xml and no inference_graph\.onnx: python export_model\.py "
            r"--formats=pb,tflite,openvino,onnx writes one\.$",
        ),
        (
            ("litert",),
            (),
            "float32",
            r"installed \(litert\): .*python export_model\.py --formats=pb,tflite writes one\.$",
        ),
        (
            ("litert",),
            ("inference_graph.onnx", "inference_graph.xml"),
            "float32",
            r"installed \(litert\): TensorFlow.*; \S*inference_graph\.xml needs openvino \(run "
            r"make setup-openvino, .*; \S*inference_graph\.onnx needs onnxruntime \(run ma",
        ),
        (
            ("tensorflow",),
            (),
            "int8",
            r"as int8 by what is installed \(tensorflow\): beside it is no "
            r"inference_graph_int8\.tflite and no inference_graph_int8\.xml: python "
            r"export_model\.py --quantize=int8 --calibration_images=… --formats=pb,tflite writes",
        ),
        (
            ("tensorflow", "openvino"),
            (),
            "int8",
            r"installed \(tensorflow, openvino\): .* --quantize=int8 --calibration_images=… writes",
        ),
        (
            ("tensorflow",),
            ("inference_graph_int8.xml",),
            "int8",
            r"installed \(tensorflow\): \S*inference_graph_int8\.xml needs openvino \(run make set",
        ),
    ],
)
def test_what_is_missing_where_nothing_can_run_is_said(
    tmp_path, monkeypatch, installed, forms, precision, message
):
    path = lgamma_export.write(tmp_path)
    for name in forms:
        (tmp_path / name).touch()
    install(monkeypatch, *installed)
    with pytest.raises(ValueError, match=message):
        DeepLabModel(path, precision=precision)


@pytest.mark.parametrize(
    ("engine", "installed", "message"),
    [
        (
            "litert",
            ("litert",),
            r"engine litert cannot run .*\.tar\.gz as float32: only the gr",
        ),
        (
            "auto",
            ("litert",),
            r"is missing \(.*; for other engines, only the graph is read out of",
        ),
        ("openvino", (), "engine openvino cannot run .*: its package is not installed: run make"),
    ],
)
def test_archives_have_no_forms(tmp_path, monkeypatch, engine, installed, message):
    lgamma_export.write(tmp_path / "export")
    (tmp_path / "export" / "inference_graph.tflite").touch()
    archive = shutil.make_archive(str(tmp_path / "mm"), "gztar", str(tmp_path / "export"))
    (tmp_path / "mm.tar.tflite").touch()
    (tmp_path / "mm.tflite").touch()
    install(monkeypatch, *installed)
    with pytest.raises(ValueError, match=message) as raised:
        DeepLabModel(archive, engine)
    assert ".tflite" not in str(raised.value)


def test_what_an_engine_cannot_run_is_said(tmp_path, monkeypatch):
    foreign = str(toy_export.write(tmp_path / "toy.pb"))
    exported = lgamma_export.write(tmp_path / "own")
    former = lgamma_export.write(tmp_path / "former", mean_pixel=[])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    with DeepLabModel(foreign) as served:
        assert served.engine_name == "tensorflow"
    for path, engine, precision, message in (
        (foreign, "openvino", "float32", "has no nodes NetworkImage and SemanticLogits"),
        (former, "openvino", "float32", "its description is that of an earlier version"),
        (exported, "litert", "float32", r"there is no .*\.tflite: .*--formats=pb,tflite"),
        (exported, "openvino", "int8", r"there is no .*_int8\.xml: .*--quantize=int8"),
        (exported, "tensorflow", "int8", "has no 8-bit form"),
        (exported, "onnx", "float32", "engine is 'onnx'; expected one of auto, tensorflow"),
        (exported, "tensorflow", "int4", "precision is 'int4'; expected one of float32, int8"),
    ):
        with pytest.raises(ValueError, match=message):
            DeepLabModel(path, engine, precision=precision)
