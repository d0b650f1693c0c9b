"""Reading exports from folders, archives and damaged files."""

import gzip
import json
import os
import tarfile

import pytest
import tensorflow.compat.v1 as tf

from serving import engines, export_file
from serving.deeplab_model import DeepLabModel
from tests.support import toy_export


@pytest.mark.parametrize("inside", ["", "export"])
def test_folder_of_an_export_or_of_a_training(tmp_path, inside):
    path = toy_export.write(tmp_path / inside if inside else tmp_path)
    export = export_file.read_export(str(tmp_path))
    assert export.path == str(path)
    assert export.metadata.class_names == toy_export.CLASS_NAMES
    assert export.metadata.palette == toy_export.PALETTE
    assert export.metadata.crop_size == toy_export.CROP


def test_the_only_graph_of_a_folder_may_have_any_name(tmp_path):
    path = toy_export.write(tmp_path / "mine.pb")
    assert export_file.read_export(str(tmp_path)).path == str(path)
    toy_export.write(tmp_path / "other.pb")
    with pytest.raises(ValueError, match=r"has no frozen_inference_graph\.pb \(it holds 2 other"):
        export_file.read_export(str(tmp_path))


def test_description_beside_a_graph_that_has_none(tmp_path):
    path = toy_export.write(tmp_path / "theirs.pb", published=True)
    assert export_file.read_export(str(path)).metadata == export_file.Metadata()
    (tmp_path / "theirs.json").write_text(json.dumps({"class_names": ["a", "b", "c"]}))
    assert export_file.read_export(str(path)).metadata.class_names == ("a", "b", "c")
    for text, message in (
        ('{"crop_size": 513}', r"crop_size' is 513; expected a list of 2 whole numbers"),
        ('{"class_names": ["a", "b"], "palette": [[0, 0, 0]]}', "2 class_names, but 1 colors"),
        ("[", "not valid JSON: Expecting value"),
    ):
        (tmp_path / "theirs.json").write_text(text)
        with pytest.raises(ValueError, match=rf"^the description .*theirs\.json.*{message}"):
            export_file.read_export(str(path))


def test_a_saved_model_is_told_from_a_graph(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")
    for path in (tmp_path, tmp_path / "saved_model.pb"):
        with pytest.raises(
            ValueError, match=r"saved_model\.pb is a SavedModel, which is for Tensor"
        ):
            export_file.read_export(str(path))


@pytest.mark.parametrize("is_inside", [False, True])
def test_operations_that_reach_beyond_a_graph_are_refused_whatever_runs_it(tmp_path, is_inside):
    path = toy_export.write(tmp_path / "toy")
    graph_def = tf.GraphDef.FromString(path.read_bytes())
    if is_inside:
        function = graph_def.library.function.add()
        function.signature.name = "helper"
        function.node_def.add(name="peek", op="ReadFile")
        graph_def.node.add(name="call", op="helper")
    else:
        graph_def.node.add(name="peek", op="ReadFile")
    path.write_bytes(graph_def.SerializeToString())
    with pytest.raises(ValueError, match=r"ReadFile \(node peek\).*--trust"):
        export_file.read_export(str(path))
    assert ("peek" in export_file.read_export(str(path), trust=True).node_names) != is_inside


@pytest.mark.parametrize("ending", [".onnx", ".tflite", ".xml"])
def test_a_form_for_one_engine_leads_to_the_graph(tmp_path, ending):
    path = tmp_path / f"inference_graph{ending}"
    path.write_bytes(b"x")
    with pytest.raises(ValueError, match=r"one engine; name the frozen graph .*frozen_inference_"):
        export_file.read_export(str(path))


def make_archive(tmp_path, member: str = "deeplabv3/frozen_inference_graph.pb"):
    archive = tmp_path / "published.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(toy_export.write(tmp_path / "graph.pb", published=True), arcname=member)
    return archive


def test_archives_that_hold_no_graph_are_named(tmp_path):
    archive = make_archive(tmp_path, member="deeplabv3/readme.txt")
    with pytest.raises(ValueError, match=r"published\.tar\.gz holds no frozen_inference_graph"):
        export_file.read_export(str(archive))
    content = make_archive(tmp_path).read_bytes()
    for damaged in (content[: len(content) // 2], b"no archive", gzip.compress(b"no tar")):
        archive.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"published\.tar\.gz is truncated or not a tar"):
            export_file.read_export(str(archive))


def test_files_that_are_no_graph_are_named(tmp_path):
    path = toy_export.write(tmp_path)
    content = path.read_bytes()
    for damaged in (b"", b"text", content[: len(content) // 2], content[:-3]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"frozen_inference_graph\.pb is truncated or not"):
            export_file.read_export(str(path))
    with tf.Graph().as_default() as graph:
        tf.placeholder(tf.float32, name="ImageTensor")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(ValueError, match="not a DeepLab graph: it has no node SemanticPredictions"):
        export_file.read_export(str(path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"it holds no \.pb file"):
        export_file.read_export(str(tmp_path / "empty"))


def test_newest_export_of_all_trainings(tmp_path):
    with pytest.raises(ValueError, match=r"run python export_model\.py"):
        export_file.find_newest_export(str(tmp_path))
    paths = [str(toy_export.write(tmp_path / name / "export")) for name in ("b", "c", "a")]
    for age, path in enumerate(paths):
        os.utime(path, (1e9 - age, 1e9 - age))
    assert export_file.find_newest_export(str(tmp_path)) == paths[0]


def test_descriptions_and_forms_of_earlier_versions_are_read(tmp_path):
    path = toy_export.write(tmp_path, published=True)
    former = tmp_path / "frozen_inference_graph.json"
    former.write_text(json.dumps({"class_names": ["a", "b", "c"]}))
    assert export_file.read_export(str(path)).metadata.class_names == ("a", "b", "c")
    (tmp_path / "inference_graph.json").write_text(json.dumps({"class_names": ["d", "e", "f"]}))
    assert export_file.read_export(str(path)).metadata.class_names == ("d", "e", "f")
    export = export_file.read_export(str(path))
    written = engines.model_path(export, engines.LITERT, engines.FLOAT32)
    assert written == str(tmp_path / "inference_graph.tflite")
    (tmp_path / "frozen_inference_graph.tflite").touch()
    found = engines.model_path(export, engines.LITERT, engines.FLOAT32)
    assert found == str(tmp_path / "frozen_inference_graph.tflite")
    assert engines.form_path(str(path), engines.LITERT, engines.FLOAT32) == written


def test_folders_with_characters_of_patterns(tmp_path):
    for root in ("cars [v2]", "what? *", "[a]"):
        path = toy_export.write(tmp_path / root / "run [1]" / "export")
        assert export_file.find_newest_export(str(tmp_path / root)) == str(path)
        assert export_file.read_export(str(tmp_path / root / "run [1]")).path == str(path)


def test_only_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.pb")
    for path in (str(tmp_path / "pipe.pb"), "/dev/zero"):
        with pytest.raises(ValueError, match="is not a file"):
            export_file.read_export(path)


def test_the_only_graph_of_an_archive_may_have_any_name(tmp_path):
    archive = make_archive(tmp_path, member="folder/mine.pb")
    with tarfile.open(tmp_path / "mac.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "graph.pb", arcname="folder/._mine.pb")
        tar.add(tmp_path / "graph.pb", arcname="folder/mine.pb")
    assert export_file.read_export(str(archive)).metadata == export_file.Metadata()
    assert export_file.read_export(str(tmp_path / "mac.tar.gz")).path.endswith("mac.tar.gz")
    with tarfile.open(tmp_path / "two.tar", "w") as tar:
        tar.add(tmp_path / "graph.pb", arcname="a.pb")
        tar.add(tmp_path / "graph.pb", arcname="b.pb")
    with pytest.raises(ValueError, match="holds no frozen_inference_graph"):
        export_file.read_export(str(tmp_path / "two.tar"))


@pytest.mark.parametrize(
    ("ending", "packing"),
    [(".tar", ""), (".tgz", "gz"), (".tar.bz2", "bz2"), (".tbz2", "bz2"), (".tar.xz", "xz")],
)
def test_archives_may_be_packed_as_tar_programs_do(tmp_path, ending, packing):
    graph = toy_export.write(tmp_path / "graph.pb", published=True)
    path = str(tmp_path / f"model{ending}")
    with tarfile.open(path, f"w:{packing}") as tar:
        tar.add(graph, arcname="model/frozen_inference_graph.pb")
    assert export_file.read_export(path).graph_def == export_file.read_export(str(graph)).graph_def


def test_a_description_of_another_graph_is_refused(tmp_path):
    path = toy_export.write(tmp_path / "theirs.pb", published=True)
    beside = tmp_path / "theirs.json"
    for names in (["a", "b", "c"], ["a", "b", "c", "void"]):
        beside.write_text(json.dumps({"class_names": names, "crop_size": [48, 64]}))
        with DeepLabModel(str(path)) as model:
            assert model.class_names == tuple(names)
    beside.write_text(json.dumps({"class_names": ["a", "b"], "crop_size": [48, 64]}))
    with pytest.raises(ValueError, match=r"theirs\.pb has 3 classes, but its description has 2"):
        DeepLabModel(str(path))
