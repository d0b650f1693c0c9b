"""Engines against TensorFlow on one export: the same answers."""

import functools
import importlib.util

import conformance
import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import toy_export

from deeplab import inference_graph, model
from deeplab.options import ModelOptions
from export import freeze
from serving import engines, export_file
from serving.deeplab_model import DeepLabModel
from serving.engines import graph_parts

OPTIONS = ModelOptions(
    num_classes=3,
    model_variant="xception_tiny",
    atrous_rates=(1, 2),
    decoder_output_stride=(4,),
    decoder_use_gradient=True,
    aspp_convs_filters=8,
    decoder_filters=8,
)
CROP = (49, 65)
METADATA = {"class_names": ["ground", "disc", "ring"], "crop_size": list(CROP)}

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="needs the package openvino"
)


def write_export(folder, **how) -> str:
    with tf.Graph().as_default(), tf.Session() as session:
        features = {"image": tf.zeros([1, 33, 33, 3]), "gradient": tf.zeros([1, 33, 33, 1])}
        model.multi_scale_logits(features, OPTIONS)
        conformance.fill_variables(session)
        checkpoint = tf.train.Saver().save(session, str(folder / "model.ckpt"))
    path = str(folder / "frozen_inference_graph.pb")
    build = functools.partial(
        inference_graph.build_inference_graph, OPTIONS, crop_size=CROP, fast_labels=True, **how
    )
    freeze.freeze(
        build,
        checkpoint,
        path,
        input_name=inference_graph.INPUT,
        output_names=inference_graph.OUTPUTS,
        metadata=METADATA,
    )
    return path


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> str:
    return write_export(tmp_path_factory.mktemp("export"))


def pictures(*sizes: tuple[int, int]) -> list[np.ndarray]:
    return [
        np.random.RandomState(i).randint(0, 256, [*size, 3], np.uint8)
        for i, size in enumerate(sizes)
    ]


def assert_same_answers(first: DeepLabModel, second: DeepLabModel) -> None:
    images = pictures(CROP, (30, 41), CROP, (80, 50))
    expected = first.predict_batch(images, with_probabilities=True)
    predictions = second.predict_batch(images, with_probabilities=True)
    for image, one, other in zip(images, expected, predictions, strict=True):
        np.testing.assert_allclose(other.probabilities, one.probabilities, atol=1e-4)
        assert np.mean(one.ids == other.ids) > 0.999
        assert one.ids.shape == image.shape[:2]
    assert np.mean(second.segment(images[0]) == expected[0].ids) > 0.999


def test_parts_of_a_graph_are_the_graph(exported):
    """What is before the network, the network, and what is behind, run one after the other."""
    export = export_file.read_export(exported)
    assert export.network_inputs == ["NetworkGradient", "NetworkImage"]
    assert export.network_outputs == ["SemanticLogits"]
    image = pictures((30, 41))[0][None]
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(export.graph_def, name="")
        expected = session.run(
            ["SemanticPredictions:0", "SemanticProbabilities:0"], {"ImageTensor:0": image}
        )
    network, around = graph_parts.network(export), graph_parts.around_network(export)
    assert "ImageTensor" not in {node.name for node in network.node}
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(around, name="")
        inputs = session.run(
            [f"{name}:0" for name in export.network_inputs], {"ImageTensor:0": image}
        )
    assert inputs[1].shape == (1, *CROP, 3)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(network, name="")
        feed = {f"{n}:0": v for n, v in zip(export.network_inputs, inputs, strict=True)}
        logits = session.run("SemanticLogits:0", feed)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(around, name="")
        ids, probabilities = session.run(
            ["SemanticPredictions:0", "SemanticProbabilities:0"],
            {"ImageTensor:0": image, "SemanticLogits:0": logits},
        )
    np.testing.assert_array_equal(ids, expected[0])
    np.testing.assert_allclose(probabilities, expected[1], atol=1e-6)


@needs_openvino
def test_openvino_gives_tensorflows_answers(exported):
    with DeepLabModel(exported, "tensorflow") as first, DeepLabModel(exported, "openvino") as other:
        assert (first.engine_name, other.engine_name) == ("tensorflow", "openvino")
        assert_same_answers(first, other)


@needs_openvino
def test_openvino_takes_several_scales(tmp_path):
    path = write_export(tmp_path, scales=(0.75, 1.0), add_flipped=True)
    assert len(export_file.read_export(path).network_outputs) == 4
    with DeepLabModel(path, "tensorflow") as first, DeepLabModel(path, "openvino") as other:
        assert_same_answers(first, other)


def test_auto_takes_the_fastest_that_is_there(exported, monkeypatch):
    installed = importlib.util.find_spec
    expected = "openvino" if installed("openvino") else "tensorflow"
    with DeepLabModel(exported, warmup=[(20, 30)], num_threads=1) as served:
        assert served.engine_name == expected
    monkeypatch.setattr(
        engines.importlib.util, "find_spec", lambda name: name == "tensorflow" or None
    )
    with DeepLabModel(exported) as served:
        assert served.engine_name == "tensorflow"
    with pytest.raises(ValueError, match=r"package is not installed: run make setup-openvino"):
        DeepLabModel(exported, "openvino")
    with pytest.raises(ValueError, match="no int8 form that an installed engine can run"):
        DeepLabModel(exported, precision="int8")


def test_what_an_engine_cannot_run_is_said(tmp_path, exported, monkeypatch):
    foreign = str(toy_export.write(tmp_path / "toy.pb"))
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: True)
    with DeepLabModel(foreign) as served:
        assert served.engine_name == "tensorflow"
    for path, engine, precision, message in (
        (foreign, "openvino", "float32", "has no nodes NetworkImage and SemanticLogits"),
        (exported, "litert", "float32", r"there is no .*\.tflite: .*--formats=pb,tflite"),
        (exported, "openvino", "int8", r"there is no .*_int8\.xml: .*--quantize=int8"),
        (exported, "tensorflow", "int8", "has no 8-bit form"),
        (exported, "onnx", "float32", "engine is 'onnx'; expected one of auto, tensorflow"),
        (exported, "tensorflow", "int4", "precision is 'int4'; expected one of float32, int8"),
    ):
        with pytest.raises(ValueError, match=message):
            DeepLabModel(path, engine, precision=precision)
