"""What an export is written as besides: which forms flags ask for, and what they lack."""

import importlib.util
import pathlib

import numpy as np
import pytest
from PIL import Image

from commands import export_forms
from commands.export_forms import Forms
from commands.exported_task import ExportedTask
from commands.shared_options import FormOptions
from export import onnx_file, openvino_int8
from serving import parity
from serving.image_classifier import ImageClassifier

INT8 = {"quantize": ("int8",), "formats": ("pb", "tflite")}


def open_split(directory: str, split: str):
    export_forms.check_split(directory, split, ["train"])
    return lambda model: {"accuracy": 0.5}


TASK = ExportedTask(
    ImageClassifier,
    as_input=lambda model, image: np.asarray(image),
    compare=parity.compare_classification,
    parity=parity.ClassParity,
    open_split=open_split,
    answer=lambda image, run, metadata: {},
    answered_ids=lambda answer: answer["class_ids"],
    score_titles={"accuracy": "accuracy"},
)


@pytest.fixture
def images(tmp_path, monkeypatch) -> list[str]:
    """Ten images in the folder `images` of the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(openvino_int8, "require_packages", lambda: None)
    folder = pathlib.Path("images")
    folder.mkdir()
    paths = [str(folder / f"{index}.png") for index in range(10)]
    for path in paths:
        Image.new("RGB", (4, 4)).save(path)
    return paths


def forms(dataset_dir: str = "data/tfrecords/pets", **given) -> Forms:
    return Forms.from_options(FormOptions(**given), TASK, dataset_dir)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"formats": ["onxn"]},
            "--formats has 'onxn'; expected some of pb, saved_model, on",
        ),
        (
            {"bundle_name": "a"},
            "--bundle_name is given, but no --bundle; expected one or more",
        ),
        ({"bundle_dir": "a"}, "--bundle_dir is given, but no --bundle"),
        (
            {"bundle": ["tfserving"], "bundle_name": "a/b"},
            "--bundle_name: 'a/b' cannot be the name of a model; expected letters, digits",
        ),
        (
            {"bundle": ["tfserving"], "bundle_dir": "images/0.png/a"},
            r"--bundle_dir=images/0\.png/a: .*/images/0\.png is not a folder",
        ),
        ({"quantize": ["int8"]}, "needs images to fit the 8-bit range to"),
        ({"verify_images": "nowhere"}, "--verify_images: nowhere: no such file"),
        (
            {"quantize": ["int8"], "calibration_images": "."},
            r"--calibration_images: folder \. holds no images",
        ),
        (
            {**INT8, "calibration_images": "images", "quantize_dataset_dir": "nowhere"},
            r"--quantize_dataset_dir: nowhere has no dataset\.json",
        ),
    ],
)
def test_forms_that_cannot_be_made_are_said_before(images, given, message):
    with pytest.raises(ValueError, match=message):
        forms(**given)


def test_without_flags_nothing_is_written_besides(images):
    assert forms() == Forms(TASK, calibration_images=[], verify_images=[])


def test_model_repositories_bring_the_formats_that_they_hold(images, monkeypatch):
    monkeypatch.setattr(onnx_file, "require_package", lambda: None)
    served = forms(bundle=("tfserving",))
    assert (served.saved_model, served.onnx, served.bundles) == (True, False, ("tfserving",))
    for kind in ("triton", "ovms"):
        served = forms(bundle=(kind,), bundle_dir="here", bundle_name="pets")
        assert (served.saved_model, served.onnx) == (False, True)
        assert (served.bundle_dir, served.bundle_name) == ("here", "pets")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"formats": ["onnx"]}, r"not installed \(onnx\): run make setup-onnx"),
        ({"bundle": ["triton"]}, r"not installed \(onnx\): run make setup-onnx"),
        ({"formats": ["openvino"]}, "--formats=openvino: its package is not installed: run make"),
    ],
)
def test_packages_of_formats_that_are_missing_are_said_before(images, monkeypatch, given, message):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=message):
        forms(**given)


def test_calibration_images_are_spread_evenly(images):
    found = forms(**INT8, calibration_images="images", num_calibration_images=4)
    assert found.calibration_images == [images[index] for index in (0, 3, 6, 9)]
    assert forms(**INT8, calibration_images="images").calibration_images == images
    assert (found.tflite, found.int8, found.split) == (True, True, None)


def test_the_dataset_of_training_is_scored_where_it_has_the_split(images, capsys):
    given = {**INT8, "calibration_images": "images"}
    folder = pathlib.Path("data", "tfrecords", "pets")
    folder.mkdir(parents=True)
    (folder / "dataset.json").touch()
    split = forms(**given, quantize_split="train").split
    assert (split.directory, split.name) == (str(folder), "train")
    assert split.score(None) == {"accuracy": 0.5}
    # Nobody asked for a score.
    assert forms(**given).split is None
    expected = "note: 8-bit forms are not scored: data/tfrecords/pets has no split 'val' for"
    assert capsys.readouterr().err.startswith(expected)
    for asked in ({"quantize_split": "test"}, {"quantize_dataset_dir": str(folder)}):
        with pytest.raises(ValueError, match=r"pets has no split '\w+' for --quantize_split; it h"):
            forms(**given, **asked)
    assert forms(dataset_dir="data/tfrecords/cars", **given).split is None
    with pytest.raises(ValueError, match=r"--quantize_split=test: data/tfrecords/cars has no data"):
        forms(dataset_dir="data/tfrecords/cars", **given, quantize_split="test")


def test_packages_that_are_missing_are_said_before(tmp_path, images, monkeypatch):
    given = {"quantize": ("int8",), "calibration_images": "images"}
    installed: set[str] = set()
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in installed or None)
    with pytest.raises(ValueError, match=r"run make setup-openvino.* Or add --formats=pb,tflite"):
        forms(**given)
    assert forms(**given, formats=("pb", "tflite")).int8
    installed.add("openvino")
    for formats in (("pb",), ("pb", "tflite")):
        with pytest.raises(ValueError, match=r"not installed \(nncf\): run make setup-openvino"):
            forms(**given, formats=formats)
    installed.add("nncf")
    assert forms(**given).int8
