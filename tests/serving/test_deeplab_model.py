"""A frozen export in `DeepLabModel`: the checkpoint's network, batches, sizes, and bad files."""

import dataclasses
import pathlib
import pickle
import subprocess
import sys
import tarfile
import warnings

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import ExifTags, Image

from common import export_names
from datasets.segmentation import laplacian
from deeplab.network import model
from deeplab.options import ModelOptions
from reference import comparison
from serving import upscaling
from serving.deeplab_model import (
    DeepLabModel,
    ImageShrunkWarning,
    ImageTiledWarning,
    Segmentation,
)
from tests.support import sessions, tiny_export, toy_export
from tests.support.tiny_export import CROP, OPTIONS

pytestmark = [
    pytest.mark.filterwarnings("ignore::serving.deeplab_model.ImageShrunkWarning"),
    pytest.mark.filterwarnings("ignore::serving.deeplab_model.ImageTiledWarning"),
]

ROOT = pathlib.Path(__file__).resolve().parents[2]
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
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        features = {"image": tf.zeros([1, 33, 33, 3]), "laplacian": tf.zeros([1, 33, 33, 1])}
        model.multi_scale_logits(features, options)
        tf.get_variable("logits/semantic/weights/Momentum", [1])
        comparison.fill_variables(session)
        return tf.train.Saver().save(session, str(folder / "model.ckpt"), global_step=7)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    return save_checkpoint(tmp_path_factory.mktemp("checkpoint"), OPTIONS)


@pytest.fixture(scope="module")
def exported(tmp_path_factory, checkpoint) -> str:
    return tiny_export.write(tmp_path_factory.mktemp("export"), checkpoint, METADATA, OPTIONS)


def random_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, [height, width, 3], np.uint8)


def test_export_equals_the_checkpoints_network(checkpoint, exported):
    image = random_image(*CROP)
    features = {
        "image": tf.constant(image[None], tf.float32),
        "laplacian": tf.constant(laplacian.laplacian(image)[None, ..., None], tf.float32),
    }
    expected = model.predict(features, OPTIONS)
    with tf.Session() as session:
        tf.train.Saver().restore(session, checkpoint)
        labels, probabilities = session.run([expected.class_ids, expected.probabilities])
    assert len(np.unique(labels)) > 1
    with sessions.optimized(), DeepLabModel(exported) as served:
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


def test_batches_equal_single_images(exported):
    images = [
        random_image(49, 65, 1),
        random_image(30, 41, 2),
        random_image(49, 65, 3),
        random_image(120, 90, 4),
    ]
    with DeepLabModel(exported) as served:
        together = served.segment_batch(images)
        for image, ids in zip(images, together, strict=True):
            assert ids.shape == image.shape[:2]
            np.testing.assert_array_equal(ids, served.segment(image))


def test_run_scales_to_the_crop_and_keeps_the_shape_of_the_image(exported):
    with DeepLabModel(exported) as served:
        resized, seg_map = served.run(Image.fromarray(random_image(200, 100)))
        assert resized.mode == "RGB"
        assert resized.size == (24, 49)  # width, height: 200 -> 49, 100 -> 24.5 cut to 24
        assert seg_map.shape == (49, 24)
        np.testing.assert_array_equal(seg_map, served.segment(resized))


def test_published_tar_gz_with_a_graph_of_one_image_and_int64(tmp_path):
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
    images = [random_image(20, 30, 1), random_image(20, 30, 2)]
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


def test_class_of_a_large_image_is_the_likeliest_after_a_bilinear_resize(toy):
    image = toy_export.image(150, 170)
    probabilities = toy.probabilities(image, tile="off")
    ids = toy.segment(image, tile="off")
    assert probabilities.shape == (150, 170, 3)
    np.testing.assert_allclose(probabilities.sum(axis=2), 1.0, atol=1e-5)
    chosen = np.take_along_axis(probabilities, ids[..., None], axis=2)[..., 0]
    np.testing.assert_allclose(chosen, probabilities.max(axis=2), atol=1e-6)
    shrunk = Image.fromarray(image).resize((54, 48), Image.Resampling.LANCZOS)
    expected = upscaling.upscale_ids(np.asarray(shrunk).argmax(axis=2), (150, 170))
    assert np.mean(ids == expected) > 0.97


def test_images_that_fit_are_not_resized(toy):
    for size in (toy_export.CROP, (3, 5), (48, 1)):
        image = toy_export.image(*size)
        np.testing.assert_array_equal(toy.segment(image), image.argmax(axis=2))


def test_run_enlarges_small_images_and_shrinks_large_ones(toy):
    for size in ((10, 12), (200, 100), (100, 1000)):
        scale = min(48 / size[0], 64 / size[1])
        resized, seg_map = toy.run(Image.fromarray(toy_export.image(*size)))
        assert resized.size == (int(scale * size[1]), int(scale * size[0]))
        np.testing.assert_array_equal(seg_map, np.asarray(resized).argmax(axis=2))


def test_run_on_a_published_graph_makes_the_longer_side_513(tmp_path):
    with DeepLabModel(str(toy_export.write(tmp_path, published=True))) as served:
        for size in ((20, 30), (1000, 600)):
            ratio = 513 / max(size)
            resized, seg_map = served.run(Image.fromarray(toy_export.image(*size)))
            assert resized.size == (int(ratio * size[1]), int(ratio * size[0]))
            assert seg_map.shape == resized.size[::-1]
        assert served.num_classes == 3
        assert served.class_names[2] == "class 2"
        assert served.palette[1] == (128, 0, 0)
        assert served.segment(toy_export.image(700, 900)).shape == (700, 900)


def test_exif_rotation_is_honoured(toy):
    stored = Image.fromarray(toy_export.image(30, 50))
    exif = stored.getexif()
    exif[ExifTags.Base.Orientation] = 3  # upside down
    stored.info["exif"] = exif.tobytes()
    upright = np.asarray(stored)[::-1, ::-1]
    np.testing.assert_array_equal(toy.segment(stored), upright.argmax(axis=2))


def _batch_sizes(served: DeepLabModel, monkeypatch) -> list[int]:
    """Returns a list that grows by the number of images of each run from here on."""
    run, sizes = served._run, []

    def count(arrays, with_probabilities):
        sizes.append(len(arrays))
        return run(arrays, with_probabilities)

    monkeypatch.setattr(served, "_run", count)
    return sizes


@pytest.mark.parametrize(
    ("max_images", "engines_max", "expected"),
    [
        (2, None, [1, 2, 2, 2]),  # Four of one size, three of the other.
        (2, 3, [1, 2, 2, 2]),
        (100, 3, [1, 3, 3]),
        (100, 0.9, [1] * 7),
        (100, None, [3, 4]),
    ],
)
def test_batches_keep_to_a_limit_and_to_the_order(
    toy, monkeypatch, max_images, engines_max, expected
):
    padded = 48 * 64
    monkeypatch.setattr("serving.deeplab_model._MAX_BATCH_VALUES", max_images * padded * 3)
    max_pixels = None if engines_max is None else int(engines_max * padded)
    monkeypatch.setattr(toy._engine, "max_pixels", max_pixels)
    sizes = _batch_sizes(toy, monkeypatch)
    images = [toy_export.image(20, 30 + number % 2, number) for number in range(7)]
    for image, ids in zip(images, toy.segment_batch(images), strict=True):
        np.testing.assert_array_equal(ids, image.argmax(axis=2))
    assert sorted(sizes) == expected


@pytest.mark.parametrize(("gpus", "num_runs"), [([], 2), (["a GPU"], 1)])
def test_tensorflow_takes_large_images_one_by_one_unless_there_is_a_gpu(
    tmp_path, monkeypatch, gpus, num_runs
):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    path = toy_export.write(tmp_path, metadata={"crop_size": [300, 300]})
    with DeepLabModel(str(path), engine="tensorflow") as served:
        sizes = _batch_sizes(served, monkeypatch)
        served.segment_batch([toy_export.image(20, 30)] * 2)
    assert len(sizes) == num_runs


def test_what_the_graph_refuses_is_told_with_its_file(tmp_path):
    """A graph that resizes images itself may still make them larger than its crop."""
    path = tmp_path / "graph.pb"
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.uint8, [None, None, None, 3], name="ImageTensor")
        image.op._set_attr(
            export_names.METADATA_ATTRIBUTE,
            tf.AttrValue(s=b'{"crop_size": [9, 9], "min_resize_value": 9}'),
        )
        with tf.control_dependencies([tf.Assert(False, ["The image is", [30, 40], "too large"])]):
            tf.identity(tf.cast(image[..., 0], tf.int32), name="SemanticPredictions")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    with (
        DeepLabModel(str(path)) as served,
        pytest.raises(ValueError, match=r"graph\.pb: The image is +30 40 +too large$"),
    ):
        served.segment(toy_export.image(30, 40))


def test_an_image_larger_than_the_crop_is_told_with_both_sizes_once(toy):
    large, small = toy_export.image(200, 100), toy_export.image(48, 64)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        toy.segment(large, tile="off")
        toy.segment_batch([large, small], tile="off")
        toy.segment(toy_export.image(49, 64))
    assert [each.category for each in seen] == [ImageShrunkWarning] * 2  # Once for each size.
    assert "200x100 (height x width) is larger than the model's 48x64 and was shrunk to 48x24" in (
        str(seen[0].message)
    )
    assert all(each.filename == __file__ for each in seen)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        toy.segment(small)
        toy.run(toy_export.image(300, 100))  # It scales by design.
        toy.warm_up((400, 500))
        for number in range(60):  # Any number of sizes, and a bounded number of warnings.
            warnings.filterwarnings("ignore", category=ImageShrunkWarning)
            warnings.filterwarnings("ignore", category=ImageTiledWarning)
            toy.segment(toy_export.image(50 + number, 9))
    assert len(toy._warned_sizes) <= 20
    assert toy.fitted_size(200, 100) == (48, 24)


def test_a_much_larger_image_runs_in_tiles_and_that_is_told_once(toy):
    """The toy's answer depends on single pixels, so that any blend of tiles is exact."""
    image = toy_export.image(150, 170)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        ids = toy.segment(image)
        (same,) = toy.segment_batch([Image.fromarray(image)])
        (prediction,) = toy.predict_batch([image], True, np.uint8, tile=20, overlap=0.2)
        probabilities = toy.probabilities(image)
    (warning,) = seen
    assert warning.category is ImageTiledWarning
    assert warning.filename == __file__
    assert "150x170 (height x width) is larger than the model's 48x64 and runs in 30 overl" in str(
        warning.message
    )
    np.testing.assert_array_equal(ids, image.argmax(axis=2))
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(same, ids)
    np.testing.assert_array_equal(prediction.ids, ids)
    assert prediction.ids.dtype == np.uint8
    np.testing.assert_allclose(prediction.probabilities, probabilities, atol=1e-6)
    exponentials = np.exp(image / 16.0 - image.max(axis=2, keepdims=True) / 16.0)
    expected = exponentials / exponentials.sum(axis=2, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "tile", "num_tiles"),
    [
        ((48, 64), "auto", None),
        ((48, 64), 20, None),  # What fits runs whole.
        ((72, 96), "auto", None),  # Shrunk to two thirds.
        ((73, 96), "auto", 3 * 2),
        ((49, 64), 64, 2),
        ((1000, 1000), "off", None),
        ((5, 1000), "auto", 31),
    ],
)
def test_which_images_are_tiled(toy, size, tile, num_tiles):
    planned = toy.plan_tiles(*size, tile=tile)
    assert (planned and planned.num_tiles) == num_tiles


def test_an_image_that_fits_is_the_same_with_any_tiles(exported):
    image = random_image(*CROP)
    with DeepLabModel(exported) as served:
        whole = served.probabilities(image, tile="off")
        for how in ({}, {"tile": 20}, {"overlap": 0.0}):
            assert served.plan_tiles(*CROP, **how) is None
            # Two runs of one graph: threads may share the work otherwise, and round otherwise.
            np.testing.assert_allclose(served.probabilities(image, **how), whole, atol=1e-6)


def test_a_graph_that_resizes_is_tiled_on_request_only(tmp_path):
    with DeepLabModel(toy_export.write(tmp_path, metadata={"min_resize_value": 48})) as served:
        image = toy_export.image(150, 170)
        assert served.plan_tiles(150, 170) is None
        assert served.plan_tiles(150, 170, tile=100).tile == (100, 100)
        np.testing.assert_array_equal(served.segment(image, tile=100), image.argmax(axis=2))


def test_a_graph_without_probabilities_is_tiled_too(tmp_path):
    with DeepLabModel(toy_export.write(tmp_path, published=True)) as served:
        image = toy_export.image(600, 1100)
        np.testing.assert_array_equal(served.segment(image), image.argmax(axis=2))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"tile": "on"}, "tile is 'on'; expected 'auto', 'off', or the side of tiles in pixels"),
        ({"tile": 32.0}, r"tile is 32\.0; expected"),
        ({"tile": True}, "tile is True; expected"),
        ({"tile": 65}, "tile is 65; expected 16 to 64 pixels, since the model takes 48x64"),
        ({"tile": 3}, "tile is 3; expected 16 to 64 pixels"),
        ({"overlap": 1}, r"overlap is 1; expected 0 to 0\.9"),
    ],
)
def test_tiles_that_make_no_sense_are_named(toy, how, message):
    for size in ((20, 30), (500, 300)):
        with pytest.raises(ValueError, match=message):
            toy.segment(toy_export.image(*size), **how)


def test_progress_within_an_image(toy):
    seen = []
    images = [toy_export.image(*size) for size in ((100, 200), (20, 30), (150, 64))]
    toy.predict_batch(images, progress=lambda done, total: seen.append((done, total)))
    totals = [toy.plan_tiles(100, 200).num_tiles, toy.plan_tiles(150, 64).num_tiles]
    assert [total for done, total in seen if done == 0] == totals
    assert [total for done, total in seen if done == total] == totals
    assert len(seen) > 6


@pytest.mark.parametrize("kind", ["gray", "gray1", "rgba", "path", "Path", "bytes", "flipped", "L"])
def test_images_of_every_kind(tmp_path, toy, kind):
    rgb = toy_export.image(20, 30)
    gray = rgb[..., 0]
    path = tmp_path / "x.png"
    Image.fromarray(rgb).save(path)
    image, seen = {
        "gray": (gray, np.stack([gray] * 3, axis=2)),
        "gray1": (gray[..., None], np.stack([gray] * 3, axis=2)),
        "rgba": (np.dstack([rgb, gray]), rgb),
        "path": (str(path), rgb),
        "Path": (path, rgb),
        "bytes": (path.read_bytes(), rgb),
        "flipped": (rgb[::-1, ::-2, ::-1], rgb[::-1, ::-2, ::-1]),
        "L": (Image.fromarray(gray), np.stack([gray] * 3, axis=2)),
    }[kind]
    expected = seen.argmax(axis=2)
    np.testing.assert_array_equal(toy.segment(image), expected)
    for ids in toy.segment_batch([image, image]):
        np.testing.assert_array_equal(ids, expected)


def test_a_batch_may_be_an_array_or_a_generator_or_empty(toy):
    batch = np.stack([toy_export.image(20, 30, seed) for seed in range(3)])
    for images in (batch, iter(batch), tuple(batch)):
        for ids, image in zip(toy.segment_batch(images), batch, strict=True):
            np.testing.assert_array_equal(ids, image.argmax(axis=2))
    assert toy.segment_batch([]) == []
    assert toy.segment_batch(batch[:0]) == []


@pytest.mark.parametrize(
    ("call", "image", "error", "message"),
    [
        ("segment", None, TypeError, "the image is None; expected a Pillow image, a uint8 array"),
        ("segment", [[0, 1]], TypeError, "the image is of type list; expected"),
        ("segment", 7, TypeError, "the image is of type int"),
        ("segment", np.zeros([2, 9, 9, 3], np.uint8), ValueError, "Pass several images to"),
        ("segment", np.zeros([9, 9, 3]), ValueError, "float64 .*Scale its values"),
        ("segment", np.zeros([9, 9], bool), ValueError, r"bool \[9, 9\]; expected uint8"),
        ("segment", b"no image", ValueError, "the image: not an image file"),
        ("segment", b"", ValueError, "the image: the file is empty"),
        ("segment", "nowhere.jpg", FileNotFoundError, "nowhere.jpg"),
        ("segment", Image.new("I;16", (4, 4)), ValueError, "more than 8 bits per channel"),
        ("segment", Image.new("RGB", (0, 4)), ValueError, "4x0 and empty"),
        ("segment_batch", None, TypeError, "images is None; expected a list of images"),
        ("segment_batch", "x.jpg", TypeError, "images is of type str; expected a list"),
        ("segment_batch", Image.new("RGB", (4, 4)), TypeError, "Pass a single image to segment"),
        (
            "segment_batch",
            np.zeros([4, 4, 3], np.uint8),
            ValueError,
            r"array \[4, 4, 3\]; expected",
        ),
        ("segment_batch", [None], TypeError, "the image is None"),
        ("run", None, TypeError, "the image is None"),
        ("probabilities", [], TypeError, "the image is of type list"),
    ],
)
def test_what_is_no_image_is_one_clear_error(toy, call, image, error, message):
    with pytest.raises(error, match=message) as raised:
        getattr(toy, call)(image)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (48, 64), (49, 65)])
def test_images_of_any_size(toy, exported, size):
    image = toy_export.image(*size)
    assert toy.segment(image).shape == size
    assert toy.probabilities(image).shape == (*size, 3)
    resized, ids = toy.run(Image.fromarray(image))
    assert ids.shape == (resized.height, resized.width)
    with DeepLabModel(exported) as served:
        assert served.segment(image).shape == size


def test_a_truncated_image_in_memory_is_a_clear_error(tmp_path, toy):
    path = tmp_path / "x.png"
    noise = np.random.RandomState(0).randint(0, 256, [40, 40, 3], np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(ValueError, match="the image: truncated or damaged"):
        toy.segment(Image.open(path))
    with pytest.raises(ValueError, match=r"x\.png: truncated or damaged"):
        toy.segment(path)


def test_use_after_close_is_one_line(tmp_path):
    served = DeepLabModel(toy_export.write(tmp_path))
    served.close()
    served.close()
    for call in (served.segment, served.run, served.probabilities, lambda image: served.warm_up()):
        with pytest.raises(ValueError, match=r"frozen_inference_graph\.pb was closed .*load it"):
            call(toy_export.image(9, 9))


def test_a_model_is_no_message_between_processes(toy):
    with pytest.raises(TypeError, match="cannot be sent to another process; load it there"):
        pickle.dumps(toy)


def test_ids_may_take_a_byte(toy):
    image = toy_export.image(20, 30)
    (prediction,) = toy.predict_batch([image], ids_type=np.uint8)
    assert prediction.ids.dtype == np.uint8
    np.testing.assert_array_equal(prediction.ids, image.argmax(axis=2))


def test_ids_that_a_byte_does_not_hold_are_refused(toy, monkeypatch):
    wide = Segmentation(np.array([[0, 300]], np.int32), None)
    monkeypatch.setattr(toy, "_run", lambda *_: [wide])
    with pytest.raises(ValueError, match="class ids run from 0 to 300; uint8 holds 0 to 255"):
        toy.predict_batch([np.zeros([1, 2, 3], np.uint8)], ids_type=np.uint8)


def test_the_path_may_be_any_path(tmp_path, monkeypatch):
    path = toy_export.write(tmp_path / "model")
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in (path, path.parent, str(path), "~/model"):
        with DeepLabModel(given) as served:
            assert served.path == str(path)
    for wrong in (None, b"model", 3):
        with pytest.raises(TypeError, match="expected the path of an exported model"):
            DeepLabModel(wrong)


def test_serving_takes_nothing_of_the_training_code_along(tmp_path):
    """In a process of its own, where TensorFlow 2 behaves as it does by default."""
    program = f"""
import sys, numpy
from serving.deeplab_model import DeepLabModel, ImageShrunkWarning, Segmentation
with DeepLabModel({str(toy_export.write(tmp_path))!r}) as served:
    served.warm_up()
    ids = served.segment_batch([numpy.full([5, 6, 3], (1, 9, 2), numpy.uint8)] * 2)
assert [i.tolist() for i in ids] == [[[1] * 6] * 5] * 2
unwanted = {{"tf_slim", "nets", "datasets", "training", "export", "deeplab.network.model"}}
print("imported:", sorted(unwanted & set(sys.modules)))
"""
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "imported: []"
