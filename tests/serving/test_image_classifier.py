"""A frozen export in `ImageClassifier`: the checkpoint's probabilities, engines, and bad input."""

import dataclasses
import importlib.util
import io
import json
import pathlib
import pickle
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import ExifTags, Image

from classification.data import preprocess
from classification.options import ViewOptions
from common import export_names
from export import tflite
from serving import contract, engines, export_file
from serving.deeplab_model import DeepLabModel
from serving.engines import graph_parts
from serving.image_classifier import ImageClassifier
from serving.processing.classification import ClassifierProcessing
from tests.support import sessions, tiny_classifier, toy_export
from tests.support.tiny_classifier import CLASS_NAMES

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZES = ((40, 50), (31, 90), (40, 50), (32, 32), (40, 50))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    return tiny_classifier.save(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory, checkpoint) -> str:
    return tiny_classifier.write(tmp_path_factory.mktemp("export"), checkpoint)


@pytest.fixture(scope="module")
def model(exported):
    with ImageClassifier(exported, engines.TENSORFLOW) as loaded:
        yield loaded


def random_images(*sizes: tuple[int, int]) -> list[np.ndarray]:
    return [tiny_classifier.random_image(seed, *size) for seed, size in enumerate(sizes)]


def test_the_frozen_graph_has_the_checkpoints_probabilities(checkpoint, exported):
    """Folded batch norms included: the graph of a checkpoint is `classification`'s own."""
    images = random_images(*SIZES)
    with tf.Graph().as_default(), tf.Session() as session:
        tiny_classifier.inference_graph.build_inference_graph(
            tiny_classifier.OPTIONS, tiny_classifier.VIEW
        )
        tf.train.Saver().restore(session, checkpoint)
        expected = [
            session.run("ClassProbabilities:0", {"ImageTensor:0": image[None]})[0]
            for image in images
        ]
    assert len({each.argmax() for each in expected}) > 1
    with sessions.optimized(), ImageClassifier(exported, engines.TENSORFLOW) as served:
        found = served.probabilities(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_graph_is_optimized_and_has_inference_nodes_only(exported):
    nodes = export_file.read_export(exported).graph_def.node
    assert not {"FusedBatchNormV3", "VariableV2", "Assign", "While", "Enter"} & {
        node.op for node in nodes
    }


def test_there_is_a_row_for_each_image(model):
    images = random_images(*SIZES)
    together = model.run(images, top=2)
    assert len({each.class_id for each in together}) > 1
    for image, prediction in zip(images, together, strict=True):
        (alone,) = model.run([image], top=2)
        assert alone.class_id == prediction.class_id
        np.testing.assert_allclose(alone.probability, prediction.probability, atol=1e-5)
        probabilities = model.probabilities([image])[0]
        order = np.argsort(-probabilities)
        assert [each.class_id for each in alone.top] == order[:2].tolist()
        assert [each.class_name for each in alone.top] == [CLASS_NAMES[i] for i in order[:2]]
        assert alone.top[0] == (alone.class_id, alone.class_name, alone.probability)
    assert model.run([]) == []
    assert model.probabilities([]).shape == (0, 3)
    assert [len(each.top) for each in model.run(images[:1], top=9)] == [3]


def test_equally_probable_classes_come_in_the_order_of_their_ids(model, monkeypatch):
    monkeypatch.setattr(model, "probabilities", lambda images: np.full([1, 3], 1 / 3, np.float32))
    assert [each.class_id for each in model.run(["x"])[0].top] == [0, 1, 2]


def test_images_of_one_size_run_together_up_to_a_limit(model, monkeypatch):
    seen = []
    run = model._engine.run

    def note(images, with_probabilities):
        seen.append(images.shape[:3])
        return run(images, with_probabilities)

    monkeypatch.setattr(model._engine, "run", note)
    monkeypatch.setattr("serving.image_classifier._MAX_BATCH", 2)
    model.probabilities(random_images(*SIZES))
    assert seen == [(2, 40, 50), (1, 40, 50), (1, 31, 90), (1, 32, 32)]
    seen.clear()
    monkeypatch.setattr("serving.same_size._MAX_BATCH_PIXELS", 40 * 50)
    model.probabilities(random_images(*SIZES))
    assert {shape[0] for shape in seen} == {1}


def test_images_of_every_kind(tmp_path, model):
    (image,) = random_images((40, 50))
    expected = model.probabilities([image])
    path = tmp_path / "x.png"
    Image.fromarray(image).save(path)
    for given in (
        [Image.fromarray(image)],
        [str(path)],
        (path,),
        [path.read_bytes()],
        image[None],
        [np.dstack([image, np.zeros([40, 50], np.uint8)])],
    ):
        np.testing.assert_array_equal(model.probabilities(given), expected)
    gray = image[..., 0]
    np.testing.assert_array_equal(
        model.probabilities([gray]), model.probabilities([np.dstack([gray] * 3)])
    )


def test_exif_turns_an_image_upright(model):
    image = random_images((40, 90))[0]
    image[:20] = 0
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # Stored on its left side.
    file = io.BytesIO()
    Image.fromarray(np.rot90(image)).save(file, "PNG", exif=exif)
    np.testing.assert_array_equal(
        model.probabilities([file.getvalue()]), model.probabilities([image])
    )


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        ("x.jpg", TypeError, r"expected a list of images\. Put a single image into a list"),
        (np.zeros([4, 4, 3], np.uint8), ValueError, r"array \[4, 4, 3\].* Put a single image"),
        (None, TypeError, "images is None; expected a list of images"),
        ([np.zeros([1, 4, 4, 3], np.uint8)], ValueError, r"uint8 \[1, 4, 4, 3\]; expected uint8"),
        ([b"no image"], ValueError, "the image: not an image file"),
        (["nowhere.jpg"], FileNotFoundError, "nowhere.jpg"),
    ],
)
def test_what_is_no_image_is_one_clear_error(model, images, error, message):
    with pytest.raises(error, match=message):
        model.run(images)


def test_top_is_at_least_one(model):
    with pytest.raises(ValueError, match="top is 0; expected a whole number of classes, 1 or more"):
        model.run([], top=0)


@pytest.mark.parametrize("engine", [engines.OPENVINO, engines.LITERT])
def test_other_engines_give_tensorflows_probabilities(tmp_path, checkpoint, model, engine):
    package = {engines.OPENVINO: "openvino", engines.LITERT: "ai_edge_litert"}[engine]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs the package {package}")
    path = tiny_classifier.write(tmp_path, checkpoint)
    export = export_file.read_export(path)
    assert (export.network_inputs, export.network_outputs) == (["NetworkImage"], ["ClassLogits"])
    form = engines.form_path(path, engines.LITERT, engines.FLOAT32)
    network = graph_parts.network(export, {"NetworkImage": (32, 32, 3)})
    tflite.convert(
        tf.GraphDef.FromString(network), {"NetworkImage": [1, 32, 32, 3]}, ["ClassLogits"], form
    )
    images = random_images(*SIZES)
    with ImageClassifier(path, engine) as other:
        assert other.engine_name == engine
        np.testing.assert_allclose(
            other.probabilities(images), model.probabilities(images), atol=1e-4
        )


@pytest.mark.parametrize("preprocessing", ["inception", "vgg"])
def test_numpy_makes_tensorflows_input_and_probabilities(preprocessing):
    view = ViewOptions(image_size=32, preprocessing=preprocessing, labels_offset=0)
    processing = ClassifierProcessing(contract.View(32, preprocessing))
    for size in ((40, 50), (31, 90), (200, 133), (33, 5), (1, 1)):
        images = np.stack(random_images(size, size))
        with tf.Graph().as_default(), sessions.unoptimized() as session:
            expected = session.run(preprocess.evaluation_images(tf.constant(images), view))
        found = np.concatenate([processing.prepare(each)["NetworkImage"] for each in images])
        np.testing.assert_allclose(found, expected, atol=1e-4)
    logits = np.random.RandomState(0).normal(0, 3, [5]).astype(np.float32)
    before = logits.copy()
    class_id, probabilities = processing.finish((1, 1), [logits], True)
    assert class_id == logits.argmax()
    expected = np.exp(logits.astype(float))
    np.testing.assert_allclose(probabilities, expected / expected.sum(), 1e-6)
    np.testing.assert_array_equal(logits, before)
    assert processing.finish((1, 1), [logits], False)[1] is None


def test_other_graphs_of_classifiers_count_their_classes(tmp_path, checkpoint):
    path = tiny_classifier.write(tmp_path, checkpoint, class_names=())
    with ImageClassifier(path, warmup=[(20, 30)], num_threads=1) as served:
        assert served.class_names == ("class 0", "class 1", "class 2")
        assert served.image_size == (32, 32)


def test_there_may_be_more_classes_than_a_byte_holds(tmp_path, checkpoint):
    names = [f"kind {index}" for index in range(1000)]
    path = tiny_classifier.write(tmp_path, checkpoint, class_names=names)
    assert len(export_file.read_export(path).metadata.class_names) == 1000


def test_a_description_of_another_graph_is_named(tmp_path, checkpoint):
    path = tiny_classifier.write(tmp_path, checkpoint, class_names=("cat", "dog"))
    with pytest.raises(ValueError, match="has 3 classes, but its description has 2 class_names"):
        ImageClassifier(path, engines.TENSORFLOW)
    path = tiny_classifier.write(tmp_path, checkpoint, task="deeplab")
    with pytest.raises(ValueError, match="is a classifier, but the task in its description is dee"):
        ImageClassifier(path)


def test_a_model_of_another_task_names_its_class(tmp_path, exported):
    with pytest.raises(
        ValueError,
        match=r"inference_graph\.pb is a classifier, not a DeepLab graph: use it with "
        r"serving\.image_classifier\.ImageClassifier, or python infer\.py --task=classification",
    ):
        DeepLabModel(exported)
    other = toy_export.write(tmp_path / "toy.pb")
    with pytest.raises(
        ValueError,
        match=r"toy\.pb is a DeepLab graph, not a classifier: use it with "
        r"serving\.deeplab_model\.DeepLabModel, or python infer\.py --task=deeplab",
    ):
        ImageClassifier(other)


def test_a_graph_of_neither_task_is_named(tmp_path):
    with tf.Graph().as_default() as graph:
        tf.placeholder(tf.uint8, [None, None, None, 3], name="ImageTensor")
    path = tmp_path / "x.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(ValueError, match="not a classifier: it has no node ClassPredictions"):
        ImageClassifier(path)


def test_use_after_close_and_in_a_message_is_one_line(exported):
    served = ImageClassifier(exported)
    with pytest.raises(TypeError, match=r"load it there: ImageClassifier\(path\)"):
        pickle.dumps(served)
    served.close()
    served.close()
    with pytest.raises(ValueError, match=r"was closed .* load it again with ImageClassifier\(pat"):
        served.run([])
    with pytest.raises(ValueError, match="was closed"):
        served.warm_up()


def test_serving_takes_nothing_of_the_training_code_along(exported):
    """In a process of its own, where TensorFlow 2 behaves as it does by default."""
    program = f"""
import sys, numpy
from serving.image_classifier import ImageClassifier
with ImageClassifier({exported!r}) as served:
    served.warm_up()
    print([len(each.top) for each in served.run([numpy.zeros([5, 6, 3], numpy.uint8)] * 2)])
unwanted = {{"tf_slim", "nets", "datasets", "training", "export", "classification"}}
print("imported:", sorted(unwanted & set(sys.modules)))
"""
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == ["[3, 3]", "imported: []"]


def test_the_description_is_in_the_graph_and_beside_it(exported):
    beside = export_names.beside(exported, export_names.DESCRIPTION_ENDING)
    described = json.loads(pathlib.Path(beside).read_text())
    assert described.pop("fingerprint") == export_file.read_export(exported).metadata.fingerprint
    assert described == {
        "task": "classification",
        "class_names": list(CLASS_NAMES),
        "view": dataclasses.asdict(tiny_classifier.VIEW),
    }
    assert export_file.read_export(exported).metadata.task == "classification"
