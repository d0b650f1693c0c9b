"""Engines against TensorFlow on one export: the same answers."""

import dataclasses
import gc
import importlib.util
import json
import pathlib
import shutil
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from concurrent import futures

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from commands import export_forms
from commands.export_forms import Forms
from common import resized_cells
from deeplab.commands import export_scores
from deeplab.network import model
from deeplab.options import ResizeOptions
from nets import registry
from reference import comparison
from serving import contract, engines, export_file
from serving.deeplab_model import DeepLabModel
from serving.engines import autotune, graph_parts, split_engine
from serving.engines.engine import EngineSkippedWarning
from serving.processing import choice
from tests.support import lgamma_export, sessions, tiny_export
from tests.support.tiny_export import CROP, OPTIONS

TASK = export_scores.exported_task(num_classes=3)
METADATA = {
    "class_names": ["ground", "disc", "ring"],
    "crop_size": list(CROP),
    "mean_pixel": list(registry.encoder(OPTIONS.model_variant).mean_pixel),
}
RESIZE = ResizeOptions(min_resize_value=30, max_resize_value=49, resize_factor=4)

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="needs the package openvino"
)
needs_litert = pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None, reason="needs the package ai-edge-litert"
)


def write_export(folder, metadata=METADATA, options=OPTIONS, **how) -> str:
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        features = {"image": tf.zeros([1, 33, 33, 3]), "laplacian": tf.zeros([1, 33, 33, 1])}
        model.multi_scale_logits(features, options)
        comparison.fill_variables(session)
        checkpoint = tf.train.Saver().save(session, str(folder / "model.ckpt"))
    return tiny_export.write(folder, checkpoint, metadata, options, fast_labels=True, **how)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> str:
    return write_export(tmp_path_factory.mktemp("export"))


def random_images(*sizes: tuple[int, int]) -> list[np.ndarray]:
    return [
        np.random.RandomState(i).randint(0, 256, [*size, 3], np.uint8)
        for i, size in enumerate(sizes)
    ]


def assert_same_answers(first: DeepLabModel, second: DeepLabModel) -> None:
    images = random_images(CROP, (30, 41), CROP, (80, 50))
    expected = first.predict_batch(images, with_probabilities=True)
    predictions = second.predict_batch(images, with_probabilities=True)
    for image, one, other in zip(images, expected, predictions, strict=True):
        np.testing.assert_allclose(other.probabilities, one.probabilities, atol=1e-4)
        assert np.mean(one.ids == other.ids) > 0.999
        assert one.ids.shape == image.shape[:2]
    assert np.mean(second.segment(images[0]) == expected[0].ids) > 0.999


class _TensorFlowNetwork:
    """The network in a session of its own, in the place of another engine."""

    def __init__(self, export: export_file.Export, input_shapes):
        content = graph_parts.network(export, input_shapes)
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(tf.GraphDef.FromString(content), name="")
        assert contract.INPUT not in [each.name for each in graph.get_operations()]
        self._session = tf.Session(graph=graph)
        self._feeds = [f"{name}:0" for name in export.network_inputs]
        self._fetches = [f"{name}:0" for name in export.network_outputs]

    def run(self, feeds: Iterable[Sequence[np.ndarray]]) -> Iterator[Sequence[np.ndarray]]:
        for inputs in feeds:
            yield self._session.run(self._fetches, dict(zip(self._feeds, inputs, strict=True)))


def split_engine_of(export: export_file.Export) -> split_engine.SplitEngine:
    surroundings = choice.create(export, None)
    network = _TensorFlowNetwork(export, surroundings.input_shapes)
    return split_engine.SplitEngine(export, network, surroundings, "other")


def test_closing_waits_for_a_run_and_refuses_later_ones(tmp_path):
    engine = split_engine_of(export_file.read_export(write_export(tmp_path, METADATA)))
    images = np.stack(random_images(CROP))
    begun, may_end = threading.Event(), threading.Event()
    run_network = engine._network.run

    def run_slowly(feeds):
        begun.set()
        may_end.wait(30)
        return run_network(feeds)

    engine._network.run = run_slowly
    with futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(engine.run, images, False)
        begun.wait(30)
        closing = pool.submit(engine.close)
        time.sleep(0.2)
        assert not closing.done()
        may_end.set()
        closing.result(30)
        assert [each.shape for each in first.result(30)[0]] == [CROP]
    with pytest.raises(ValueError, match="was closed while it was used"):
        engine.run(images, False)


@pytest.mark.parametrize(
    ("options", "how", "metadata"),
    [
        ({}, {}, {}),
        ({}, {"scales": (0.75, 1.0), "add_flipped": True}, {"add_flipped_images": True}),
        ({}, {"resize": RESIZE}, RESIZE.resize_values()),
        (
            {"prediction_with_upsampled_logits": False, "decoder_use_gradient": False},
            {},
            {"upsamples_logits": False},
        ),
    ],
    ids=["plain", "scales and mirror images", "resize", "nearest logits"],
)
def test_numpy_around_a_network_gives_tensorflows_answers(tmp_path, options, how, metadata):
    described = {**METADATA, **metadata}
    path = write_export(tmp_path, described, dataclasses.replace(OPTIONS, **options), **how)
    export = export_file.read_export(path)
    has_laplacian = options.get("decoder_use_gradient", True)
    assert export.network_inputs == ["NetworkGradient", "NetworkImage"][not has_laplacian :]
    assert len(export.network_outputs) == (4 if how.get("add_flipped") else 1)
    whole = engines.create(export, "tensorflow", "float32", None, None)
    split = split_engine_of(export)
    for size in (CROP, (30, 41), (7, 64), (1, 1)):
        images = np.stack(random_images(size, size))
        for with_probabilities in (False, True):
            class_ids, probabilities = split.run(images, with_probabilities)
            expected_ids, expected = whole.run(images, with_probabilities)
            assert {each.dtype for each in (*class_ids, *expected_ids)} == {np.dtype(np.int32)}
            assert np.mean(np.equal(class_ids, expected_ids)) > 0.9999
            if with_probabilities:
                np.testing.assert_allclose(probabilities, expected, atol=2e-6)
            else:
                assert probabilities is None
    if "resize" not in how:
        message = r"The image .*is 80 50 but this graph was exported for images of at most 49 65"
        with pytest.raises(ValueError, match=message):
            split.run(np.zeros([1, 80, 50, 3], np.uint8), False)
    split.close()
    whole.close()


def test_a_crop_of_any_size_gives_tensorflows_answers(tmp_path, monkeypatch):
    """Where the logits do not divide the crop evenly, each of them is interpolated."""
    export = export_file.read_export(write_export(tmp_path))
    whole = engines.create(export, "tensorflow", "float32", None, None)
    split = split_engine_of(export)
    monkeypatch.setattr(resized_cells, "factor", lambda side, target: 0)
    monkeypatch.setattr("serving.processing.segmentation._BAND_VALUES", 500)
    images = np.stack(random_images((33, 50)))
    assert np.mean(np.equal(split.run(images, False)[0], whole.run(images, False)[0])) > 0.9999


def test_a_description_with_other_classes_is_named(tmp_path):
    export = export_file.read_export(write_export(tmp_path, {**METADATA, "class_names": ["sky"]}))
    with pytest.raises(ValueError, match="has 3 classes, but its description has 1 class_names"):
        split_engine_of(export).run(np.zeros([1, 9, 9, 3], np.uint8), False)


@needs_openvino
def test_openvino_gives_tensorflows_answers(exported):
    with DeepLabModel(exported, "tensorflow") as first, DeepLabModel(exported, "openvino") as other:
        assert (first.engine_name, other.engine_name) == ("tensorflow", "openvino")
        assert_same_answers(first, other)


@needs_openvino
def test_openvinos_network_is_freed_after_a_batch(exported):
    with DeepLabModel(exported, "openvino") as served:
        served.segment_batch(random_images(CROP, CROP))
        network = weakref.ref(served._engine._network)
    gc.collect()
    assert network() is None


@needs_openvino
def test_openvino_takes_several_scales(tmp_path):
    metadata = {**METADATA, "add_flipped_images": True}
    path = write_export(tmp_path, metadata, scales=(0.75, 1.0), add_flipped=True)
    with DeepLabModel(path, "tensorflow") as first, DeepLabModel(path, "openvino") as other:
        assert_same_answers(first, other)


@needs_litert
def test_litert_gives_tensorflows_answers(tmp_path):
    path = write_export(tmp_path)
    export_forms.write(Forms(TASK, tflite=True), path, plain_writer(path))
    with DeepLabModel(path, "tensorflow") as first, DeepLabModel(path, "litert") as other:
        assert other.engine_name == "litert"
        assert_same_answers(first, other)


@needs_litert
@pytest.mark.parametrize("damage", ["truncated", "text", "custom"])
def test_a_damaged_litert_file_is_named(tmp_path, damage):
    path = write_export(tmp_path)
    form = engines.form_path(path, engines.LITERT, engines.FLOAT32)
    export_forms.write(Forms(TASK, tflite=True), path, plain_writer(path))
    content = pathlib.Path(form).read_bytes()
    if damage == "custom":  # An operation that LiteRT does not have.
        with tf.Graph().as_default(), tf.Session() as session:
            values = tf.placeholder(tf.float32, [1, 4])
            converter = tf.lite.TFLiteConverter.from_session(
                session, [values], [tf.raw_ops.Erfinv(x=values)]
            )
            converter.allow_custom_ops = True
            content = converter.convert()
    else:
        content = {"truncated": content[: len(content) // 2], "text": b"no model"}[damage]
    pathlib.Path(form).write_bytes(content)
    with pytest.raises(ValueError, match=r"inference_graph\.tflite cannot be loaded by LiteRT: "):
        DeepLabModel(path, "litert")


@needs_openvino
def test_a_damaged_openvino_file_is_named(tmp_path):
    path = write_export(tmp_path)
    (tmp_path / "inference_graph_int8.xml").write_text("<net>")
    with pytest.raises(ValueError, match=r"graph_int8\.xml cannot be loaded by OpenVINO: "):
        DeepLabModel(path, "openvino", precision="int8")


@needs_openvino
@pytest.mark.slow
def test_int8_is_near_and_reported(tmp_path):
    pytest.importorskip("nncf")
    path = write_export(tmp_path)
    files = []
    for index, image in enumerate(random_images(CROP, (30, 41), CROP)):
        files.append(str(tmp_path / f"{index}.png"))
        Image.fromarray(image).save(files[-1])
    forms = Forms(TASK, int8=True, calibration_images=files, verify_images=files)
    export_forms.write(forms, path, plain_writer(path))
    results = json.loads((tmp_path / "verification.json").read_text())["engines"]
    by_form = {(result["engine"], result["precision"]): result for result in results}
    assert by_form["openvino", "int8"]["equal_pixels"] > 0.8
    assert by_form["openvino", "float32"]["equal_pixels"] > 0.999
    assert 1e-5 < by_form["openvino", "int8"]["max_probability_difference"] < 0.3
    with DeepLabModel(path, "openvino", precision="int8") as served:
        assert served.segment(random_images(CROP)[0]).shape == CROP


def plain_writer(path: str):
    return lambda plain: shutil.copyfile(path, plain)


def test_auto_takes_the_fastest_that_is_there(exported, monkeypatch):
    installed = importlib.util.find_spec
    expected = "openvino" if installed("openvino") else "tensorflow"
    with DeepLabModel(exported, warmup=[(20, 30)], num_threads=1) as served:
        assert served.engine_name == expected
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "tensorflow" or None)
    with DeepLabModel(exported) as served:
        assert served.engine_name == "tensorflow"
    with pytest.raises(ValueError, match=r"package is not installed: run make setup-openvino"):
        DeepLabModel(exported, "openvino")
    with pytest.raises(ValueError, match=r"as int8 by what is installed \(tensorflow\): beside it"):
        DeepLabModel(exported, precision="int8")


class _Sleeper:
    """An engine that takes some time; its first run takes longer."""

    def __init__(self, name: str, secs: float):
        self.name = name
        self.is_closed = False
        self.num_runs = 0
        self._secs = secs

    def run(self, images, with_probabilities):
        assert images.shape == (1, 5, 7, 3)
        assert not with_probabilities
        self.num_runs += 1
        time.sleep(self._secs if self.num_runs > 1 else 0.1)

    def close(self):
        self.is_closed = True


def test_the_fastest_of_several_engines_stays_and_the_others_are_closed():
    entrants = [_Sleeper("slow", 0.05), _Sleeper("fast", 0.001), _Sleeper("slower", 0.1)]
    assert autotune.fastest(entrants, (5, 7)).name == "fast"
    assert [each.is_closed for each in entrants] == [True, False, True]


@needs_openvino
def test_openvino_reads_archives(tmp_path, exported):
    (tmp_path / "export").mkdir()
    shutil.copy(exported, tmp_path / "export")
    archive = shutil.make_archive(str(tmp_path / "mm"), "gztar", str(tmp_path / "export"))
    with DeepLabModel(archive, "tensorflow") as first, DeepLabModel(archive, "openvino") as other:
        assert_same_answers(first, other)


@needs_openvino
def test_auto_runs_what_openvino_cannot_in_another_engine_and_says_so(tmp_path, monkeypatch):
    path = lgamma_export.write(tmp_path)
    message = r"graph\.pb cannot be loaded by OpenVINO: it has no operation Lgamma"
    with pytest.warns(EngineSkippedWarning, match=f"{message}; another engine runs it"):
        served = DeepLabModel(path)
    with served:
        assert served.engine_name == "tensorflow"
        assert served.segment(random_images(CROP)[0]).shape == CROP
    with pytest.raises(ValueError, match=f"{message}; use engine tensorflow"):
        DeepLabModel(path, "openvino")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "openvino" or None)
    with pytest.raises(ValueError, match=f"{message}, and of TensorFlow, its package is not inst"):
        DeepLabModel(path)
