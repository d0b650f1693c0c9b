"""Exported models by the names of published weights."""

import json

import pytest

from commands import published_models
from datasets.segmentation import specs
from published import catalogue
from tests.support import published_files
from tests.support.published_files import FILE, NAME


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    content = published_files.archive({"model/frozen_inference_graph.pb": b"graph"})
    with published_files.serving({FILE: content}) as server:
        published_files.use_cache(monkeypatch, tmp_path / "cache", server.address)
        yield server


def test_a_graph_is_found_and_its_classes_are_named(server, tmp_path):
    folder = tmp_path / "cache" / NAME / "files" / "model"
    assert published_models.find(NAME) == str(folder / "frozen_inference_graph.pb")
    description = json.loads((folder / "inference_graph.json").read_text())
    assert description["class_names"] == list(specs.published_classes("pascal_voc_seg").names)
    (folder / "inference_graph.json").write_text('{"class_names": []}')
    published_models.find(NAME)  # What is there is left alone.
    assert (folder / "inference_graph.json").read_text() == '{"class_names": []}'


def test_paths_are_left_alone(server, tmp_path):
    for path in ("runs/a/export", "graph.pb", "gs://bucket/graph.pb"):
        assert published_models.find(path) == path
    (tmp_path / NAME).mkdir()
    assert published_models.find(NAME) == NAME
    assert server.requests == []


def test_what_is_no_model_is_named(server):
    with pytest.raises(ValueError, match=f"no published weights .*did you mean {NAME} or"):
        published_models.find("mobilenetv2_coco_voc_trainag")
    with pytest.raises(ValueError, match="xception_65_imagenet is no exported model but an encode"):
        published_models.find("xception_65_imagenet")
    message = (
        "no exported model but a classifier in MatConvNet's form, which is not read: a training "
        r"run starts with vgg_19_2016_08_28 \(python train.py --tf_initial_checkpoint=vgg_19_"
    )
    with pytest.raises(ValueError, match=message):
        published_models.find("imagenet-vgg-verydeep-19")
    assert server.requests == []
    server.files[FILE] = published_files.archive({"model/x.index": b""})
    with pytest.raises(ValueError, match=r"holds no frozen_inference_graph\.pb: python"):
        published_models.find(NAME)


def test_every_dataset_has_names():
    datasets = {each.dataset for each in catalogue.CATALOGUE.values()} - {""}
    assert datasets == published_models._CLASSES.keys()
    assert specs.PUBLISHED_DATASETS == published_models._CLASSES
