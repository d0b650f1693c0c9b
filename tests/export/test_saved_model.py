"""SavedModels: both signatures, weights that are there once, requests for the warm-up, moves."""

import io
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from PIL import Image
from tensorflow.core.framework import tensor_pb2

from export import saved_model
from tests.support import sessions

SIZE = (6, 5)
WEIGHTS = np.random.RandomState(0).uniform(-1, 1, [3, 700]).astype(np.float32)


def graph_def() -> tf.GraphDef:
    """Returns a graph from images to their sums in each channel, and 700 mixtures of these."""
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.uint8, [None, None, None, 3], name="Images")
        sums = tf.reduce_sum(tf.cast(images, tf.float32), axis=[1, 2])
        tf.identity(sums, name="Sums")
        tf.matmul(sums, tf.constant(WEIGHTS, name="weights"), name="Mixtures")
    return graph.as_graph_def()


def answer(image: tf.Tensor, run: saved_model.Run) -> dict[str, tf.Tensor]:
    sums, mixtures = run(image[tf.newaxis])
    inverted = tf.io.encode_png(255 - image)
    return {"sums": sums[0], "first": mixtures[0, 0], "inverted_bytes": inverted}


def write(path: pathlib.Path) -> pathlib.Path:
    saved_model.write(graph_def(), "Images", ["Sums", "Mixtures"], answer, SIZE, str(path))
    return path


def random_image(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, [height, width, 3], np.uint8)


def as_file(image: np.ndarray, kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, kind)
    return content.getvalue()


def run(folder: pathlib.Path, signature: str, feed: dict) -> dict[str, np.ndarray]:
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        loaded = tf.saved_model.loader.load(session, ["serve"], str(folder))
        described = loaded.signature_def[signature]
        return session.run(
            {name: info.name for name, info in described.outputs.items()},
            {described.inputs[name].name: value for name, value in feed.items()},
        )


def test_tensors_have_their_own_names(tmp_path):
    folder = write(tmp_path / "model")
    images = np.stack([random_image(seed, 4, 7) for seed in range(2)])
    found = run(folder, "serving_default", {"Images": images})
    assert sorted(found) == ["Mixtures", "Sums"]
    np.testing.assert_array_equal(found["Sums"], images.sum(axis=(1, 2)))
    np.testing.assert_allclose(found["Mixtures"], images.sum(axis=(1, 2)) @ WEIGHTS, rtol=1e-4)


def test_files_of_any_sizes_come_together(tmp_path):
    folder = write(tmp_path / "model")
    images = [random_image(seed, *size) for seed, size in enumerate([(4, 7), (9, 2), (1, 1)])]
    contents = [as_file(image) for image in images] + [as_file(images[0], "JPEG")]
    found = run(folder, "serve_bytes", {"image_bytes": contents})
    assert sorted(found) == ["first", "inverted_bytes", "sums"]
    expected = np.stack([image.sum(axis=(0, 1)) for image in images])
    np.testing.assert_array_equal(found["sums"][:3], expected)
    np.testing.assert_allclose(found["first"][:3], expected @ WEIGHTS[:, 0], rtol=1e-4)
    for image, content in zip(images, found["inverted_bytes"], strict=False):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), 255 - image)
    decoded = np.asarray(Image.open(io.BytesIO(contents[3])), np.float32)
    np.testing.assert_array_equal(found["sums"][3], decoded.sum(axis=(0, 1)))


def test_a_file_that_is_not_read_is_named_by_its_number(tmp_path):
    folder = write(tmp_path / "model")
    image = random_image(0, 4, 7)
    with pytest.raises(tf.errors.InvalidArgumentError, match="image_bytes 1 is neither a JPEG nor"):
        run(folder, "serve_bytes", {"image_bytes": [as_file(image), as_file(image, "GIF")]})


def test_weights_are_there_once(tmp_path):
    folder = write(tmp_path / "model")
    size = (folder / "saved_model.pb").stat().st_size
    assert WEIGHTS.nbytes < size < 2 * WEIGHTS.nbytes + 40_000
    content = (folder / "saved_model.pb").read_bytes()
    assert content.count(WEIGHTS.tobytes()) == 1


def test_it_can_be_moved(tmp_path):
    write(tmp_path / "model")
    moved = tmp_path / "elsewhere" / "1"
    moved.parent.mkdir()
    shutil.move(tmp_path / "model", moved)
    image = random_image(0, 3, 3)
    found = run(moved, "serve_bytes", {"image_bytes": [as_file(image)]})
    np.testing.assert_array_equal(found["sums"][0], image.sum(axis=(0, 1)))


def test_a_new_one_takes_the_place_of_another_one_or_none(tmp_path):
    folder = write(tmp_path / "model")
    (folder / "of_the_first").touch()

    def fail(image: tf.Tensor, run: saved_model.Run) -> dict[str, tf.Tensor]:
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"):
        saved_model.write(graph_def(), "Images", ["Sums"], fail, SIZE, str(folder))
    assert (folder / "of_the_first").exists()
    write(folder)
    assert not (folder / "of_the_first").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def prediction_log_class():
    """Returns the part of TensorFlow Serving's PredictionLog that warm-ups need, as a class."""
    file = descriptor_pb2.FileDescriptorProto(
        name="prediction_log_in_tests.proto",
        package="in_tests",
        syntax="proto3",
        dependency=["tensorflow/core/framework/tensor.proto"],
    )
    kinds = descriptor_pb2.FieldDescriptorProto

    def add(owner, name: str, number: int, kind: str | None = None, is_repeated: bool = False):
        owner.field.add(
            name=name,
            number=number,
            label=kinds.LABEL_REPEATED if is_repeated else kinds.LABEL_OPTIONAL,
            type=kinds.TYPE_MESSAGE if kind else kinds.TYPE_STRING,
            type_name=kind,
        )

    spec = file.message_type.add(name="ModelSpec")
    add(spec, "name", 1)
    add(spec, "signature_name", 3)
    request = file.message_type.add(name="PredictRequest")
    add(request, "model_spec", 1, ".in_tests.ModelSpec")
    entry = request.nested_type.add(name="InputsEntry")
    entry.options.map_entry = True
    add(entry, "key", 1)
    add(entry, "value", 2, ".tensorflow.TensorProto")
    add(request, "inputs", 2, ".in_tests.PredictRequest.InputsEntry", is_repeated=True)
    log = file.message_type.add(name="PredictLog")
    add(log, "request", 1, ".in_tests.PredictRequest")
    logs = file.message_type.add(name="PredictionLog")
    add(logs, "predict_log", 6, ".in_tests.PredictLog")
    pool = descriptor_pool.DescriptorPool()
    for each in _with_dependencies(tensor_pb2.DESCRIPTOR):
        pool.AddSerializedFile(each.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("in_tests.PredictionLog"))


def _with_dependencies(file) -> list:
    """Returns files of descriptors, each after those that it needs."""
    found = [each for needed in file.dependencies for each in _with_dependencies(needed)]
    return list(dict.fromkeys([*found, file]))


def test_the_requests_of_the_warm_up_can_be_answered(tmp_path):
    folder = write(tmp_path / "model")
    log_class = prediction_log_class()
    path = str(folder / "assets.extra" / "tf_serving_warmup_requests")
    requests = [log_class.FromString(record) for record in tf.python_io.tf_record_iterator(path)]
    assert len(requests) == 2
    seen = {}
    for each in requests:
        size = each.ByteSize()
        each.DiscardUnknownFields()
        assert each.ByteSize() == size
        request = each.predict_log.request
        (name,) = request.inputs
        tensor = tensor_pb2.TensorProto.FromString(request.inputs[name].SerializeToString())
        seen[request.model_spec.signature_name] = (name, tf.make_ndarray(tensor))
    assert sorted(seen) == ["serve_bytes", "serving_default"]
    assert seen["serving_default"][1].shape == (1, *SIZE, 3)
    for signature, (name, value) in seen.items():
        assert run(folder, signature, {name: value})
