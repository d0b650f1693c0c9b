"""Model repositories: where files are, what configurations say, versions, moves."""

import json
import pathlib

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from export import model_repository
from export.model_repository import Tensor

IMAGE = Tensor("Image", "uint8", (-1, -1, 3))
OUTPUTS = [Tensor("Ids", "int32", ()), Tensor("Probabilities", "float32", (2,))]


@pytest.fixture
def onnx_file(tmp_path) -> str:
    path = tmp_path / "graph.onnx"
    path.write_bytes(b"graph")
    return str(path)


@pytest.fixture
def saved_model(tmp_path) -> str:
    folder = tmp_path / "saved_model"
    (folder / "assets.extra").mkdir(parents=True)
    (folder / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"requests")
    (folder / "saved_model.pb").write_bytes(b"graph")
    return str(folder)


def listed(folder: pathlib.Path) -> list[str]:
    found = (each.relative_to(folder) for each in folder.rglob("*") if each.is_file())
    return sorted(map(str, found))


def model_config_class():
    """Returns the part of Triton's ModelConfig that is written here, as a class."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="model_config_in_tests.proto", package="in_tests", syntax="proto3"
    )

    def message(message_name: str, /, **fields: tuple) -> None:
        """Adds a message; fields are (number, type, name of the type, whether it is repeated)."""
        added = file.message_type.add(name=message_name)
        for field, (number, kind, type_name, is_repeated) in fields.items():
            added.field.add(
                name=field,
                number=number,
                type=kind,
                type_name=type_name,
                label=kinds.LABEL_REPEATED if is_repeated else kinds.LABEL_OPTIONAL,
            )

    types = file.enum_type.add(name="DataType")
    for name, number in (("TYPE_INVALID", 0), ("TYPE_UINT8", 2), ("TYPE_INT32", 8)):
        types.value.add(name=name, number=number)
    types.value.add(name="TYPE_FP32", number=11)
    string, whole = (kinds.TYPE_STRING, None, False), (kinds.TYPE_INT64, None, True)
    tensor = {
        "name": (1, *string),
        "data_type": (2, kinds.TYPE_ENUM, ".in_tests.DataType", False),
    }
    reshape = (kinds.TYPE_MESSAGE, ".in_tests.Reshape", False)
    message("Reshape", shape=(1, *whole))
    message("Input", **tensor, dims=(4, *whole), reshape=(5, *reshape))
    message(
        "Output", **tensor, dims=(3, *whole), label_filename=(4, *string), reshape=(5, *reshape)
    )
    message("Batching", max_queue_delay_microseconds=(2, kinds.TYPE_UINT64, None, False))
    message(
        "ModelConfig",
        name=(1, *string),
        max_batch_size=(4, kinds.TYPE_INT32, None, False),
        input=(5, kinds.TYPE_MESSAGE, ".in_tests.Input", True),
        output=(6, kinds.TYPE_MESSAGE, ".in_tests.Output", True),
        dynamic_batching=(11, kinds.TYPE_MESSAGE, ".in_tests.Batching", False),
        backend=(17, *string),
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("in_tests.ModelConfig"))


def test_tensorflow_serving(tmp_path, saved_model):
    folder = tmp_path / "repository"
    version = model_repository.write_tfserving(str(folder), "scenes", saved_model)
    assert version == str(folder / "scenes" / "1")
    assert listed(folder) == [
        "scenes/1/assets.extra/tf_serving_warmup_requests",
        "scenes/1/saved_model.pb",
    ]


def test_triton(tmp_path, onnx_file):
    folder = tmp_path / "repository"
    model_repository.write_triton(str(folder), "pets", onnx_file, IMAGE, OUTPUTS, ["cat", "Bär"])
    assert listed(folder) == [
        *("pets/1/model.onnx", "pets/config.pbtxt", "pets/labels.txt"),
    ]
    assert (folder / "pets" / "labels.txt").read_text(encoding="utf-8") == "cat\nBär\n"
    text = (folder / "pets" / "config.pbtxt").read_text()
    config = text_format.Parse(text, model_config_class()())
    assert (config.name, config.backend, config.max_batch_size) == ("pets", "onnxruntime", 8)
    assert config.dynamic_batching.max_queue_delay_microseconds == 5000
    (image,), (ids, probabilities) = config.input, config.output
    assert (image.name, image.data_type, list(image.dims)) == ("Image", 2, [-1, -1, 3])
    # Triton wants a dimension besides the batch, which this tensor does not have.
    assert (ids.name, ids.data_type, list(ids.dims)) == ("Ids", 8, [1])
    assert ids.HasField("reshape")
    assert list(ids.reshape.shape) == []
    assert (probabilities.data_type, list(probabilities.dims)) == (11, [2])
    assert (ids.label_filename, probabilities.label_filename) == ("", "labels.txt")


def test_triton_without_names_of_classes(tmp_path, onnx_file):
    outputs = [Tensor("Ids", "int32", (-1, -1)), Tensor("Probabilities", "float32", (-1, -1, 2))]
    for labels in ((), ("sky", "way")):
        folder = tmp_path / str(len(labels))
        model_repository.write_triton(str(folder), "a", onnx_file, IMAGE, outputs, labels)
        text = (folder / "a" / "config.pbtxt").read_text()
        config = text_format.Parse(text, model_config_class()())
        assert [list(each.dims) for each in config.output] == [[-1, -1], [-1, -1, 2]]
        # Of an output for each pixel, there is no likeliest one.
        assert "label_filename" not in text
        assert (folder / "a" / "labels.txt").exists() == bool(labels)


def test_openvino_model_server(tmp_path, onnx_file):
    folder = tmp_path / "repository"
    for name in ("scenes", "pets", "scenes"):
        model_repository.write_ovms(str(folder), name, onnx_file)
    assert listed(folder) == [
        *("config.json", "pets/1/model.onnx"),
        *("scenes/1/model.onnx", "scenes/2/model.onnx"),
    ]
    models = json.loads((folder / "config.json").read_text())["model_config_list"]
    assert [each["config"]["name"] for each in models] == ["pets", "scenes"]
    for each in models:  # Beside the configuration, wherever that is.
        assert (folder / each["config"]["base_path"] / "1" / "model.onnx").exists()


@pytest.mark.parametrize(
    "content", ["[]", '{"model_config_list": 3}', '{"model_config_list": [1]}']
)
def test_a_damaged_configuration_is_named_before_anything_is_written(tmp_path, onnx_file, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match=r"config\.json"):
        model_repository.write_ovms(str(tmp_path), "pets", onnx_file)
    assert not (tmp_path / "pets").exists()


def test_versions_count_on(tmp_path, onnx_file):
    folder = tmp_path / "repository"
    (folder / "pets" / "41").mkdir(parents=True)
    (folder / "pets" / "notes").mkdir()
    version = model_repository.write_triton(str(folder), "pets", onnx_file, IMAGE, OUTPUTS, ())
    assert version == str(folder / "pets" / "42")
    with pytest.raises(OSError, match="missing"):
        model_repository.write_ovms(str(folder), "pets", str(tmp_path / "missing.onnx"))
    assert sorted(each.name for each in (folder / "pets").iterdir()) == [
        *("41", "42", "config.pbtxt", "notes"),
    ]


@pytest.mark.parametrize("name", ["", "a/b", "../up", ".hidden", "ä", 'a"b', "a b"])
def test_names_that_servers_refuse(tmp_path, onnx_file, name):
    with pytest.raises(ValueError, match="cannot be the name of a model"):
        model_repository.write_ovms(str(tmp_path / "repository"), name, onnx_file)
    assert not (tmp_path / "repository").exists()
