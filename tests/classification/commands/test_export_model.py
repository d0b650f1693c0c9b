"""The command `export_model.py` for classifiers, in processes of its own."""

import importlib.util
import json
import os
import pathlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from google.protobuf import text_format
from PIL import Image

from classification.options import ModelOptions
from classification.run_description import RunDescription
from serving import export_file
from serving.image_classifier import ImageClassifier
from tests.support import command_runs, labeled_images, tiny_classifier

# Of operations that TensorFlow.js's `execute` and some converters refuse.
NOT_STATIC = {"Assert", "Where", "Unique", "If", "StatelessIf", "While", "Switch", "Merge"}


def write_images(folder: pathlib.Path) -> list[str]:
    """Writes images of different sizes and colors; returns their paths."""
    folder.mkdir()
    paths = [str(folder / f"{index}.png") for index in range(8)]
    for index, path in enumerate(paths):
        image = tiny_classifier.random_image(index, 40 + 3 * index, 50)
        Image.fromarray(image).save(path)
    return paths


def save(folder: pathlib.Path, options: ModelOptions) -> None:
    names = tuple(labeled_images.COLORS)
    tiny_classifier.save(folder, RunDescription(options, tiny_classifier.VIEW, "squares", names))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    """A folder with a training run on the three colors, its dataset and some images."""
    folder = tmp_path_factory.mktemp("checkout")
    save(folder / "runs" / "squares", tiny_classifier.OPTIONS)
    labeled_images.write(str(folder / "data" / "tfrecords" / "squares"), val=3)
    write_images(folder / "photos")
    (folder / "empty").mkdir()
    return folder


def export(folder: pathlib.Path, *arguments: str):
    return command_runs.run("export_model.py", *arguments, cwd=folder)


def test_the_export_is_compared_with_the_graph_as_it_was_built(folder):
    result = export(
        folder, "--export_path=a/x.pb", "--verify_images=photos", "--save_inference_graph"
    )
    assert result.returncode == 0, result.stderr
    assert "compared with the plain graph on 8 images:\n  tensorflow float32: " in result.stdout
    assert sorted(os.listdir(folder / "a")) == [
        "inference_graph.pbtxt",
        "verification.json",
        "x.json",
        "x.pb",
    ]
    report = json.loads((folder / "a" / "verification.json").read_text())
    assert list(report) == ["engines"]
    for engine in report["engines"]:
        assert engine["num_images"] == 8
        assert engine["max_probability_difference"] < 1e-4
        assert engine["equal_classes"] == 1.0


def test_the_graph_is_static_before_freezing_and_after(folder):
    result = export(folder, "--export_path=static/x.pb", "--save_inference_graph")
    assert result.returncode == 0, result.stderr
    text = (folder / "static" / "inference_graph.pbtxt").read_text()
    unfrozen = text_format.Parse(text, tf.GraphDef())
    frozen = export_file.read_export(str(folder / "static" / "x.pb")).graph_def
    for graph_def in (unfrozen, frozen):
        operations = {node.op for node in graph_def.node}
        assert {"Conv2D", "ArgMax"} <= operations
        assert operations & NOT_STATIC == set()
    assert "VariableV2" in {node.op for node in unfrozen.node}
    result = export(folder, "--task=classification", "--static_graph")
    assert result.returncode == 2
    assert "there is no flag --static_graph for classifiers: their graphs have" in result.stderr


INT8 = ("--formats=pb,tflite", "--quantize=int8")


WRONG_INPUT = (
    (["--export_path=photos"], "error: export_path photos is a folder; expected the name"),
    (
        ["--export_path=runs/squares/options.json/x.pb"],
        "options.json is not a folder; choose another one",
    ),
    (["--quantize=int8"], "--quantize=int8 needs images to fit the 8-bit range to"),
    (["--quantize=int4"], "int4"),
    (["--formats=pb,onxn"], "--formats has 'onxn'; expected some of pb, saved_model, on"),
    ([*INT8, "--calibration_images=empty"], "--calibration_images: folder empty holds no im"),
    ([*INT8, "--calibration_images=none"], "--calibration_images: none: no such file"),
    (["--verify_images=empty"], "--verify_images: folder empty holds no images"),
    (
        [*INT8, "--calibration_images=photos", "--quantize_split=test"],
        "data/tfrecords/squares has no split 'test' for --quantize_split; it has val",
    ),
    (
        [*INT8, "--calibration_images=photos", "--quantize_dataset_dir=none"],
        "--quantize_dataset_dir: none has no dataset.json",
    ),
)


@pytest.fixture(scope="module")
def failures(folder):
    """What each wrong input gives."""
    common = ("--task=classification", "--export_path=wrong/x.pb")
    inputs = [[*common, *arguments] for arguments, _ in WRONG_INPUT]
    return command_runs.run_series("export_model", inputs, cwd=folder)


@pytest.mark.parametrize("case", range(len(WRONG_INPUT)))
def test_wrong_input_is_one_line_before_anything_is_written(folder, failures, case):
    if importlib.util.find_spec("openvino") and not importlib.util.find_spec("nncf"):
        pytest.skip("needs nncf beside openvino")
    result, message = failures[case], WRONG_INPUT[case][1]
    assert result.returncode in (1, 2)
    assert message in result.stderr
    assert len(result.stderr.splitlines()) <= 2
    assert not (folder / "wrong").exists()


@pytest.mark.slow
def test_8_bit_forms_are_written_scored_and_run(folder):
    """For LiteRT without its package; for the engines that are installed, they run, too."""
    has_litert = importlib.util.find_spec("ai_edge_litert") is not None
    has_openvino = importlib.util.find_spec("openvino") is not None
    if has_openvino:
        pytest.importorskip("nncf")
    # The tiny network's images differ too little for 8 bits.
    save(folder / "others" / "resnet", ModelOptions(num_classes=3, model_variant="resnet_v1_18"))
    result = export(
        folder,
        "--checkpoint_path=others/resnet",
        "--export_path=int8/x.pb",
        *INT8,
        "--calibration_images=photos",
    )
    assert result.returncode == 0, result.stderr
    written = {"x.pb", "x.json", "x.tflite", "x_int8.tflite", "verification.json"}
    if has_openvino:
        written |= {"x_int8.xml", "x_int8.bin"}
    assert set(os.listdir(folder / "int8")) == written
    plain, small = (os.path.getsize(folder / "int8" / f"x{end}.tflite") for end in ("", "_int8"))
    assert small < plain / 2
    report = json.loads((folder / "int8" / "verification.json").read_text())
    engines = [name for name, has in (("openvino", has_openvino), ("litert", has_litert)) if has]
    forms = ["tensorflow float32", *(f"{name} int8" for name in engines)]
    assert list(report) == ["accuracy", "top_5"]
    for name, scores in report.items():
        assert list(scores) == ["dataset_dir", "split", *forms]
        assert f"{scores[forms[-1]]:.4f}" in result.stdout
        assert name == "accuracy" or scores[forms[-1]] == 1.0
    path = str(folder / "int8" / "x.pb")
    images = sorted(str(each) for each in (folder / "photos").iterdir())
    with ImageClassifier(path, "tensorflow") as model:
        expected = model.probabilities(images)
    for engine in engines:
        with ImageClassifier(path, engine, precision="int8") as model:
            found = model.probabilities(images)
        assert 1e-6 < np.abs(found - expected).max() < 0.3
        result = command_runs.run(
            "infer.py",
            "photos",
            "--model=int8/x.pb",
            "--precision=int8",
            f"--engine={engine}",
            f"--output={engine}.json",
            cwd=folder,
        )
        assert result.returncode == 0, result.stderr
        told = json.loads((folder / f"{engine}.json").read_text())
        first = [each["classes"][0] for each in told]
        assert [each["class_id"] for each in first] == found.argmax(axis=1).tolist()
        np.testing.assert_allclose(
            [each["probability"] for each in first], found.max(axis=1), atol=1e-5
        )
