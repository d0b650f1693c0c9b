"""A form of another graph is refused, whatever its engine, and one of an earlier version is not."""

import dataclasses
import importlib.util
import os
import pathlib
import shutil

import pytest

from commands import export_forms
from commands.export_forms import Forms
from common import export_names
from deeplab.commands import export_scores
from serving import engines, export_file
from serving.deeplab_model import DeepLabModel
from serving.engines import form_fingerprint
from tests.support import random_network
from tests.support.tiny_export import CROP, OPTIONS

METADATA = {
    "class_names": ["sky", "way", "tree"],
    "crop_size": list(CROP),
    "mean_pixel": [127.5] * 3,
}
# Which form each engine needs, and the packages that write and read it.
FORMS = {
    "litert": ("tflite", ("ai_edge_litert",)),
    "onnxruntime": ("onnx", ("onnx", "onnxruntime")),
    "openvino": ("openvino", ("openvino",)),
}
each_engine = pytest.mark.parametrize(
    "engine",
    [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                not all(map(importlib.util.find_spec, packages)), reason=f"needs {packages}"
            ),
        )
        for name, (_, packages) in FORMS.items()
    ],
)


def write(folder: pathlib.Path, engine: str, with_laplacian: bool = True) -> str:
    """Writes an export with the form for an engine, and returns the path of the `.pb`."""
    options = dataclasses.replace(OPTIONS, decoder_use_gradient=with_laplacian)
    path = random_network.write(folder, options, CROP, metadata=METADATA)
    forms = Forms(export_scores.exported_task(num_classes=3), **{FORMS[engine][0]: True})
    export_forms.write(forms, path, lambda plain: shutil.copyfile(path, plain))
    return path


def copy_forms(source: str, target: str) -> None:
    for path in export_names.form_paths(source):
        if os.path.exists(path):
            shutil.copy(path, os.path.dirname(target))


@each_engine
def test_forms_of_another_graph_are_refused(tmp_path, engine):
    path = write(tmp_path / "own", engine)
    shutil.move(tmp_path / "own", tmp_path / "moved")
    path = path.replace("own", "moved")
    image = random_network.random_images(1, *CROP)[0]
    with DeepLabModel(path, engine) as served:
        assert served.segment(image).shape == CROP
    copy_forms(write(tmp_path / "other", engine, with_laplacian=False), path)
    for name in (engine, "auto"):
        with pytest.raises(ValueError, match=r"inference_graph\.\w+ was made of another graph th"):
            DeepLabModel(path, name)


@each_engine
def test_forms_of_earlier_versions_have_none(tmp_path, engine):
    path = write(tmp_path, engine)
    export = export_file.read_export(path)
    form = engines.model_path(export, engine, engines.FLOAT32)
    fingerprint = form_fingerprint.read(form)
    assert fingerprint is not None
    assert fingerprint == export.metadata.fingerprint
    content = pathlib.Path(form).read_bytes()
    assert content.count(fingerprint.encode()) == 1
    if engine == "litert":
        content = content[: content.index(b"\nfingerprint=")]
    elif engine == "openvino":
        content = content.replace(f'<fingerprint value="{fingerprint}" />'.encode(), b"")
    else:
        content = content.replace(b'"fingerprint"', b'"something_e"')
    pathlib.Path(form).write_bytes(content)
    assert form_fingerprint.read(form) is None
    DeepLabModel(path, engine).close()


def test_a_graph_without_one_takes_no_form_with_one(tmp_path):
    form = tmp_path / "inference_graph.tflite"
    form.write_bytes(b"content\nfingerprint=" + b"0" * 64)
    export = export_file.Export("graph.pb", export_file.Metadata())
    with pytest.raises(ValueError, match=r"graph\.tflite was made of another graph than graph\.pb"):
        form_fingerprint.check(export, str(form))


@pytest.mark.parametrize("name", ["x.tflite", "x.xml", "x.onnx"])
@pytest.mark.parametrize("content", [b"", b"\0", b"no form", b"\x72\x0d\x0a\x0bdescription"])
def test_damaged_forms_are_left_to_the_engine(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert form_fingerprint.read(str(path)) is None


@pytest.mark.slow
def test_equal_networks_have_one_fingerprint_and_others_another(tmp_path):
    paths = [
        random_network.write(tmp_path / str(number), OPTIONS, CROP, metadata={"class_names": names})
        for number, names in enumerate([["a", "b", "c"], ["d", "e", "f"]])
    ]
    options = dataclasses.replace(OPTIONS, decoder_use_gradient=False)
    paths.append(random_network.write(tmp_path / "other", options, CROP))
    first, second, other = (export_file.read_export(p).metadata.fingerprint for p in paths)
    assert first == second
    assert other not in (None, first)
