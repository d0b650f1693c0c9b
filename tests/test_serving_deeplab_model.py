"""A frozen export in `DeepLabModel`: the checkpoint's network, batches, sizes, and bad files."""

import dataclasses
import pathlib
import subprocess
import sys
import tarfile

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny_export
import toy_export
from PIL import ExifTags, Image
from tiny_export import CROP, OPTIONS

from datasets import laplacian
from deeplab import model
from deeplab.options import ModelOptions
from export import freeze
from scripts import conformance
from serving import upscaling
from serving.deeplab_model import DeepLabModel

ROOT = pathlib.Path(__file__).resolve().parent.parent
METADATA = {
    "format_version": 1,
    "class_names": ["ground", "disc", "ring"],
    "palette": [[0, 0, 0], [255, 0, 0], [0, 0, 255]],
    "num_classes": 3,
    "ignore_label": 255,
    "crop_size": list(CROP),
    "min_resize_value": None,
    "max_resize_value": None,
    "resize_factor": None,
}


def save_checkpoint(folder, options: ModelOptions) -> str:
    """Saves the reference weights of a network, and a variable of an optimizer beside them."""
    with tf.Graph().as_default(), tf.Session() as session:
        features = {"image": tf.zeros([1, 33, 33, 3]), "gradient": tf.zeros([1, 33, 33, 1])}
        model.multi_scale_logits(features, options)
        tf.get_variable("logits/semantic/weights/Momentum", [1])
        conformance.fill_variables(session)
        return tf.train.Saver().save(session, str(folder / "model.ckpt"), global_step=7)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    return save_checkpoint(tmp_path_factory.mktemp("checkpoint"), OPTIONS)


@pytest.fixture(scope="module")
def exported(tmp_path_factory, checkpoint) -> str:
    return tiny_export.write(tmp_path_factory.mktemp("export"), checkpoint, METADATA, OPTIONS)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, [height, width, 3], np.uint8)


def test_export_equals_the_checkpoints_network(checkpoint, exported):
    image = picture(*CROP)
    features = {
        "image": tf.constant(image[None], tf.float32),
        "gradient": tf.constant(laplacian.laplacian(image)[None, ..., None], tf.float32),
    }
    expected = model.predict(features, OPTIONS)
    with tf.Session() as session:
        tf.train.Saver().restore(session, checkpoint)
        labels, probabilities = session.run([expected.labels, expected.probabilities])
    assert len(np.unique(labels)) > 1
    with DeepLabModel(exported) as served:
        np.testing.assert_array_equal(served.segment(image), labels[0])
        np.testing.assert_allclose(served.probabilities(image), probabilities[0], atol=1e-5)


def test_export_holds_inference_nodes_only(exported):
    graph_def = tf.GraphDef()
    with open(exported, "rb") as file:
        graph_def.ParseFromString(file.read())
    operations = {node.op for node in graph_def.node}
    assert not operations & {"SaveV2", "RestoreV2", "VariableV2", "VarHandleOp", "Assign"}
    assert not any("dropout" in node.name.lower() for node in graph_def.node)
    assert all(node.device == "" for node in graph_def.node)


def test_a_lone_pb_knows_its_classes(tmp_path, exported):
    copy = tmp_path / "renamed.pb"
    with open(exported, "rb") as file:
        copy.write_bytes(file.read())
    with DeepLabModel(str(copy)) as served:
        assert served.class_names == ("ground", "disc", "ring")
        assert [tuple(color) for color in served.palette][1] == (255, 0, 0)
        assert served.crop_size == CROP


def test_batches_equal_single_pictures(exported):
    images = [picture(49, 65, 1), picture(30, 41, 2), picture(49, 65, 3), picture(120, 90, 4)]
    with DeepLabModel(exported) as served:
        together = served.segment_batch(images)
        for image, ids in zip(images, together, strict=True):
            assert ids.shape == image.shape[:2]
            np.testing.assert_array_equal(ids, served.segment(image))


def test_run_scales_to_the_crop_and_keeps_the_shape_of_the_picture(exported):
    with DeepLabModel(exported) as served:
        resized, seg_map = served.run(Image.fromarray(picture(200, 100)))
        assert resized.mode == "RGB"
        assert resized.size == (24, 49)  # width, height: 200 -> 49, 100 -> 24.5 cut to 24
        assert seg_map.shape == (49, 24)
        np.testing.assert_array_equal(seg_map, served.segment(resized))


def test_published_tar_gz_with_a_graph_of_one_picture_and_int64(tmp_path):
    """What research/deeplab of 2018 exports: no metadata, no probabilities, a batch of one."""
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.uint8, [1, None, None, 3], name="ImageTensor")
        bright = tf.reduce_mean(tf.cast(image, tf.float32), axis=3) > 127.0
        tf.cast(bright, tf.int64, name="SemanticPredictions")
    pb = tmp_path / "frozen_inference_graph.pb"
    pb.write_bytes(graph.as_graph_def().SerializeToString())
    archive = tmp_path / "published.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(pb, arcname="deeplabv3_mnv2/frozen_inference_graph.pb")
    images = [picture(20, 30, 1), picture(20, 30, 2)]
    with DeepLabModel(str(archive)) as served:
        assert not served.takes_batches
        for image, ids in zip(images, served.segment_batch(images), strict=True):
            assert ids.dtype == np.int32
            np.testing.assert_array_equal(ids, image.mean(axis=2) > 127.0)
        assert max(served.run(images[0])[0].size) == 513
        with pytest.raises(ValueError, match="gives no probabilities"):
            served.probabilities(images[0])


def test_checkpoint_of_another_network_is_named_with_both_shapes(tmp_path, checkpoint):
    wider = dataclasses.replace(OPTIONS, decoder_filters=16)
    with pytest.raises(ValueError, match=r"/beta is \[8\] in the checkpoint and \[16\]"):
        tiny_export.write(tmp_path, checkpoint, METADATA, wider)
    without_decoder = dataclasses.replace(
        OPTIONS, decoder_output_stride=(), decoder_use_gradient=False
    )
    with pytest.raises(ValueError, match="unknown to the network: decoder/"):
        tiny_export.write(tmp_path, checkpoint, METADATA, without_decoder)
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_no_model_are_named(tmp_path, exported):
    with pytest.raises((ValueError, OSError), match="nowhere"):
        DeepLabModel(str(tmp_path / "nowhere.pb"))
    with open(exported, "rb") as file:
        content = file.read()
    truncated = tmp_path / "truncated.pb"
    truncated.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"truncated\.pb"):
        DeepLabModel(str(truncated))


@pytest.fixture
def toy(tmp_path):
    with DeepLabModel(str(toy_export.write(tmp_path))) as served:
        yield served


def test_class_of_a_large_picture_is_the_likeliest_after_a_bilinear_resize(toy):
    image = toy_export.picture(150, 170)
    probabilities = toy.probabilities(image)
    ids = toy.segment(image)
    assert probabilities.shape == (150, 170, 3)
    np.testing.assert_allclose(probabilities.sum(axis=2), 1.0, atol=1e-5)
    chosen = np.take_along_axis(probabilities, ids[..., None], axis=2)[..., 0]
    np.testing.assert_allclose(chosen, probabilities.max(axis=2), atol=1e-6)
    shrunk = Image.fromarray(image).resize((54, 48), Image.Resampling.LANCZOS)
    expected = upscaling.upscale_ids(np.asarray(shrunk).argmax(axis=2), (150, 170))
    assert np.mean(ids == expected) > 0.97


def test_pictures_that_fit_are_not_resized(toy):
    for size in (toy_export.CROP, (3, 5), (48, 1)):
        image = toy_export.picture(*size)
        np.testing.assert_array_equal(toy.segment(image), image.argmax(axis=2))


def test_run_enlarges_small_pictures_and_shrinks_large_ones(toy):
    for size in ((10, 12), (200, 100), (100, 1000)):
        scale = min(48 / size[0], 64 / size[1])
        resized, seg_map = toy.run(Image.fromarray(toy_export.picture(*size)))
        assert resized.size == (int(scale * size[1]), int(scale * size[0]))
        np.testing.assert_array_equal(seg_map, np.asarray(resized).argmax(axis=2))


def test_run_on_a_published_graph_makes_the_longer_side_513(tmp_path):
    with DeepLabModel(str(toy_export.write(tmp_path, published=True))) as served:
        for size in ((20, 30), (1000, 600)):
            ratio = 513 / max(size)
            resized, seg_map = served.run(Image.fromarray(toy_export.picture(*size)))
            assert resized.size == (int(ratio * size[1]), int(ratio * size[0]))
            assert seg_map.shape == resized.size[::-1]
        assert served.num_classes == 3
        assert served.class_names[2] == "class 2"
        assert served.palette[1] == (128, 0, 0)
        assert served.segment(toy_export.picture(700, 900)).shape == (700, 900)


def test_exif_rotation_is_honoured(toy):
    stored = Image.fromarray(toy_export.picture(30, 50))
    exif = stored.getexif()
    exif[ExifTags.Base.Orientation] = 3  # upside down
    stored.info["exif"] = exif.tobytes()
    upright = np.asarray(stored)[::-1, ::-1]
    np.testing.assert_array_equal(toy.segment(stored), upright.argmax(axis=2))


def test_batches_keep_to_a_limit_and_to_the_order(toy, monkeypatch):
    monkeypatch.setattr("serving.deeplab_model._MAX_BATCH_VALUES", 2 * 48 * 64 * 3)
    run, sizes = toy._run, []

    def count(arrays, with_probabilities):
        sizes.append(len(arrays))
        return run(arrays, with_probabilities)

    monkeypatch.setattr(toy, "_run", count)
    images = [toy_export.picture(20, 30 + number % 2, number) for number in range(7)]
    for image, ids in zip(images, toy.segment_batch(images), strict=True):
        np.testing.assert_array_equal(ids, image.argmax(axis=2))
    assert sorted(sizes) == [1, 2, 2, 2]  # four of one size, three of the other


def test_what_the_graph_refuses_is_told_with_its_file(tmp_path):
    """A graph that resizes pictures itself may still make them larger than its crop."""
    path = tmp_path / "graph.pb"
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.uint8, [None, None, None, 3], name="ImageTensor")
        image.op._set_attr(
            freeze.METADATA_ATTRIBUTE,
            tf.AttrValue(s=b'{"crop_size": [9, 9], "min_resize_value": 9}'),
        )
        with tf.control_dependencies([tf.Assert(False, ["The picture is", [30, 40], "too large"])]):
            tf.identity(tf.cast(image[..., 0], tf.int32), name="SemanticPredictions")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    with (
        DeepLabModel(str(path)) as served,
        pytest.raises(ValueError, match=r"graph\.pb: The picture is +30 40 +too large$"),
    ):
        served.segment(toy_export.picture(30, 40))


def test_serving_takes_nothing_of_the_training_code_along(tmp_path):
    """In a process of its own, where TensorFlow 2 behaves as it does by default."""
    program = f"""
import sys, numpy
from serving.deeplab_model import DeepLabModel
with DeepLabModel({str(toy_export.write(tmp_path))!r}) as served:
    served.warm_up()
    ids = served.segment_batch([numpy.full([5, 6, 3], (1, 9, 2), numpy.uint8)] * 2)
assert [i.tolist() for i in ids] == [[[1] * 6] * 5] * 2
unwanted = {{"tf_slim", "nets", "datasets", "training", "export", "deeplab.model"}}
print("imported:", sorted(unwanted & set(sys.modules)))
"""
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "imported: []"
