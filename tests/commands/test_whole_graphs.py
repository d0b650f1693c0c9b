"""Forms of whole graphs and of networks: written beside an export, checked, taken away with it."""

import functools
import importlib.util
import io
import json
import pathlib
import shutil
import tempfile

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from classification.commands import export_scores as classifiers_scores
from commands import export_forms, whole_graphs
from commands.export_forms import Forms
from common import export_names
from deeplab.commands import export_scores
from export import output_files
from serving import export_file, tensorflow_session
from serving.deeplab_model import DeepLabModel
from serving.image_classifier import ImageClassifier
from tests.support import random_network, sessions, tiny_classifier
from tests.support.tiny_export import CROP, OPTIONS

SEGMENTATION = export_scores.exported_task(num_classes=3)
CLASSIFICATION = classifiers_scores.exported_task(tiny_classifier.DESCRIPTION)
HAS_ONNX = all(map(importlib.util.find_spec, ("onnx", "onnxruntime")))
HAS_OPENVINO = importlib.util.find_spec("openvino") is not None

needs_onnx = pytest.mark.skipif(not HAS_ONNX, reason="needs the packages onnx and onnxruntime")
needs_openvino = pytest.mark.skipif(not HAS_OPENVINO, reason="needs the package openvino")


@functools.cache
def contents(is_classifier: bool = False) -> bytes:
    """Returns an exported network, which is the same for all tests."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if is_classifier:
            path = tiny_classifier.write(folder, tiny_classifier.save(folder))
        else:
            metadata = {
                "class_names": ["sky", "Bäume", "way"],
                "crop_size": list(CROP),
                "mean_pixel": [127.5] * 3,
            }
            path = random_network.write(folder, OPTIONS, CROP, metadata=metadata)
        return pathlib.Path(path).read_bytes()


def write_network(folder: pathlib.Path, content: bytes | None = None) -> str:
    """Writes the export, or another content, as `freeze` does, and returns its path."""
    path = str(folder / "frozen_inference_graph.pb")
    output_files.write(path, content or contents(), b"{}")
    return path


def write_classifier(folder: pathlib.Path) -> str:
    return write_network(folder, contents(is_classifier=True))


def write_forms(path: str, task=SEGMENTATION, **which) -> None:
    forms = Forms(task, **which)
    export_forms.write(forms, path, lambda plain: shutil.copyfile(path, plain))


def image_files(folder: pathlib.Path, *sizes: tuple[int, int], ending: str = ".png") -> list[str]:
    paths = [folder / f"{number}{ending}" for number in range(len(sizes))]
    for number, (path, size) in enumerate(zip(paths, sizes, strict=True)):
        Image.fromarray(random_network.random_images(1, *size, seed=number)[0]).save(path)
    return list(map(str, paths))


@pytest.mark.parametrize(
    ("write", "task", "equal"),
    [
        (write_network, SEGMENTATION, "equal_pixels"),
        (write_classifier, CLASSIFICATION, "equal_classes"),
    ],
)
def test_every_form_is_checked(tmp_path, write, task, equal, capsys):
    path = write(tmp_path / "export")
    files = image_files(tmp_path, CROP, (30, 41), (90, 200))
    which = {"onnx": HAS_ONNX, "openvino": HAS_OPENVINO, "saved_model": True}
    write_forms(path, task, **which, verify_images=files)
    folder = tmp_path / "export"
    results = json.loads((folder / "verification.json").read_text())["engines"]
    by_form = {each["engine"]: each for each in results}
    of_files = {"saved_model of PNG files", "saved_model of JPEG files"}
    expected = {"tensorflow", "saved_model", *of_files}
    expected |= {*["onnx"] * HAS_ONNX, *["openvino"] * HAS_OPENVINO}
    assert expected <= by_form.keys()
    for name in of_files:
        assert by_form.pop(name)[equal] == 1.0
    for each in by_form.values():
        assert each["num_images"] == 3
        assert each[equal] >= 0.9999
        assert each["max_probability_difference"] < 1e-3
    printed = capsys.readouterr().out
    assert "saved_model float32: largest difference of a probability" in printed


def test_forms_that_cannot_be_checked_are_named(tmp_path, monkeypatch, capsys):
    path = write_network(tmp_path)
    expected = {
        "inference_graph.tflite": "litert is not installed: run make setup-litert, or pip install",
        "inference_graph_int8.tflite": "litert is not installed: run make setup-litert, or pip",
        "inference_graph_int8.xml": "openvino is not installed: run make setup-openvino, or",
        "inference_graph.onnx": "onnxruntime is not installed: run make setup-onnx, or pip install",
    }
    for name in expected:
        (tmp_path / name).touch()
    installed = importlib.util.find_spec
    packages = ("ai_edge_litert", "openvino", "onnxruntime")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in packages else installed(name)
    )
    write_forms(path, verify_images=image_files(tmp_path, CROP))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(expected)
    for name, said in expected.items():
        line = f"note: {tmp_path / name} is not checked, since {said}"
        assert sum(each.startswith(line) for each in lines) == 1
    results = json.loads((tmp_path / "verification.json").read_text())["engines"]
    assert [each["engine"] for each in results] == ["tensorflow"]


def test_the_plain_graph_is_loaded_once_for_all_forms(tmp_path, monkeypatch):
    path = write_network(tmp_path)
    loaded = []

    def count(graph_def: tf.GraphDef, name: str) -> tf.Graph:
        loaded.append(pathlib.Path(name).name)
        return load(graph_def, name)

    load = tensorflow_session.load_graph
    monkeypatch.setattr(tensorflow_session, "load_graph", count)
    write_forms(path, saved_model=True, verify_images=image_files(tmp_path, CROP))
    # For the engines, and for three forms.
    assert loaded.count("plain.pb") == 2


@pytest.mark.parametrize("form", ["saved_model", pytest.param("onnx", marks=needs_onnx)])
def test_a_form_of_another_graph_is_found_out(tmp_path, form):
    path, other = write_network(tmp_path / "export"), write_network(tmp_path / "other")
    write_forms(path, **{form: True})
    export = export_file.read_export(other)
    graph = tf.GraphDef()
    graph.CopyFrom(export.graph_def)
    biases = next(node for node in graph.node if node.name.endswith("semantic/biases"))
    biases.attr["value"].tensor.CopyFrom(tf.make_tensor_proto([0.0, 5.0, -5.0]))
    pathlib.Path(other).write_bytes(graph.SerializeToString())
    first = whole_graphs.forms_of(SEGMENTATION, export_file.read_export(path))[0]
    assert first.name == form
    images = random_network.random_images(1, *CROP)
    with whole_graphs.plain_run(path) as own, whole_graphs.plain_run(other) as foreign:
        assert whole_graphs.compare(first, own, images)[1] > 0.9999
        difference, equal = whole_graphs.compare(first, foreign, images)
    assert difference > 0.1
    assert equal < 0.9


def serve_bytes(export_path: str, contents: list[bytes]) -> dict[str, np.ndarray]:
    folder = export_names.saved_model_path(export_path)
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        signature = tf.saved_model.loader.load(session, ["serve"], folder).signature_def[
            "serve_bytes"
        ]
        outputs = {name: info.name for name, info in signature.outputs.items()}
        return session.run(outputs, {signature.inputs["image_bytes"].name: contents})


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_masks_are_those_of_the_python_class(tmp_path, ending):
    path = write_network(tmp_path)
    write_forms(path, saved_model=True)
    files = image_files(tmp_path, CROP, (30, 41), (140, 120), ending=ending)
    (masks,) = serve_bytes(path, [pathlib.Path(file).read_bytes() for file in files]).values()
    with DeepLabModel(path, "tensorflow") as model:
        expected = model.segment_batch(files, tile="off")
    for number, (content, ids) in enumerate(zip(masks, expected, strict=True)):
        mask = Image.open(io.BytesIO(content))
        assert (mask.format, mask.mode) == ("PNG", "L")
        assert np.asarray(mask).shape == ids.shape
        equal = np.mean(np.asarray(mask) == ids)
        # The last one was shrunk, by another program, and its ids brought back as they are.
        assert equal == 1.0 if number < 2 else equal > 0.9


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_answers_of_classifiers_are_those_of_the_python_class(tmp_path, ending):
    path = write_classifier(tmp_path)
    write_forms(path, CLASSIFICATION, saved_model=True)
    files = image_files(tmp_path, (32, 32), (30, 41), (140, 120), ending=ending)
    found = serve_bytes(path, [pathlib.Path(file).read_bytes() for file in files])
    with ImageClassifier(path, "tensorflow") as model:
        expected = model.probabilities(files)
        predictions = model.run(files)
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)
    assert found["class_ids"].tolist() == expected.argmax(axis=1).tolist()
    assert [n.decode() for n in found["class_names"]] == [each.class_name for each in predictions]


@needs_openvino
def test_openvinos_file_holds_the_network_in_float32(tmp_path):
    from serving.engines.openvino_network import OpenVINONetwork

    path = write_network(tmp_path)
    write_forms(path, openvino=True)
    export = export_file.read_export(path)
    images = random_network.random_images(2, *CROP).astype(np.float32)
    laplacian = np.ascontiguousarray(images[..., :1] - 99.0)  # OpenVINO shares memory.
    inputs = [images if name == "NetworkImage" else laplacian for name in export.network_inputs]
    shapes = {
        name: (*CROP, values.shape[-1])
        for name, values in zip(export.network_inputs, inputs, strict=True)
    }
    feeds = [[values[index : index + 1] for values in inputs] for index in range(2)]
    networks = (
        OpenVINONetwork(export, shapes, source, None)
        for source in (path, str(tmp_path / "inference_graph.xml"))
    )
    expected, found = ([logits for (logits,) in network.run(feeds)] for network in networks)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@needs_onnx
@needs_openvino
def test_forms_go_with_the_graph_that_they_were_made_of(tmp_path):
    path = write_network(tmp_path)
    write_forms(path, onnx=True, openvino=True, saved_model=True)
    made = {"inference_graph.onnx", "inference_graph.xml", "inference_graph.bin", "saved_model"}
    assert made < {each.name for each in tmp_path.iterdir()}
    write_network(tmp_path)  # The same: they stay.
    assert made < {each.name for each in tmp_path.iterdir()}
    write_network(tmp_path, contents() + b"\x12\x00")  # With an empty library.
    assert made.isdisjoint({each.name for each in tmp_path.iterdir()})
    assert not [each for each in tmp_path.iterdir() if each.name.endswith(".tmp")]


@needs_onnx
def test_a_folder_can_be_moved(tmp_path):
    path = write_network(tmp_path / "here")
    write_forms(path, onnx=True, saved_model=True)
    shutil.move(tmp_path / "here", tmp_path / "there")
    export = export_file.read_export(str(tmp_path / "there"))
    images = random_network.random_images(1, *CROP)
    forms = whole_graphs.forms_of(SEGMENTATION, export)
    assert [form.name for form in forms] == [
        *("onnx", "saved_model", "saved_model of PNG files", "saved_model of JPEG files")
    ]
    with whole_graphs.plain_run(export.path) as expected:
        for form in forms:
            assert whole_graphs.compare(form, expected, images)[1] > 0.9999


@needs_onnx
@pytest.mark.parametrize(
    ("write", "task", "sides"),
    [(write_network, SEGMENTATION, (-1, -1, 3)), (write_classifier, CLASSIFICATION, (3,))],
)
def test_model_repositories(tmp_path, write, task, sides):
    path = write(tmp_path / "scenes" / "export")
    kinds = ("tfserving", "triton", "ovms")
    write_forms(path, task, onnx=True, saved_model=True, bundles=kinds)
    bundles = tmp_path / "scenes" / "export" / "bundles"
    for kind in kinds:
        readme = (bundles / kind / "README.md").read_text()
        assert "models/scenes" in readme
    config = (bundles / "triton" / "scenes" / "config.pbtxt").read_text()
    assert f"dims: [{', '.join(map(str, sides))}]" in config
    shutil.move(bundles, tmp_path / "elsewhere")
    export = export_file.read_export(path)
    images = random_network.random_images(2, *CROP)
    expected = DeepLabModel if task is SEGMENTATION else ImageClassifier
    assert task.model is expected
    for folder in ("triton", "ovms"):
        model = tmp_path / "elsewhere" / folder / "scenes" / "1" / "model.onnx"
        assert (
            model.read_bytes()
            == pathlib.Path(export_names.beside(path, export_names.ONNX_ENDING)).read_bytes()
        )
    served = tmp_path / "elsewhere" / "tfserving" / "scenes" / "1"
    with whole_graphs._saved_model_run(str(served), export) as run:
        ids, probabilities = run(images)
    assert (ids.shape[0], probabilities.shape[-1]) == (2, 3)


@needs_onnx
@needs_openvino
def test_openvino_runs_the_onnx_file_that_its_server_gets(tmp_path):
    import openvino

    path = write_network(tmp_path)
    write_forms(path, onnx=True)
    core = openvino.Core()
    model = core.read_model(str(tmp_path / "inference_graph.onnx"))
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    with whole_graphs.plain_run(path) as run:
        for number, size in ((1, CROP), (2, (30, 41)), (1, (1, 1))):
            images = random_network.random_images(number, *size)
            ids, probabilities = run(images)
            found = compiled({"ImageTensor": images})
            assert np.mean(found[0] == ids) >= 0.9999
            np.testing.assert_allclose(found[1], probabilities, atol=1e-4)
