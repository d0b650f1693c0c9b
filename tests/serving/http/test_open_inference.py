"""Version 2 of the Open Inference Protocol, TensorFlow Serving's and Hugging Face's forms."""

import base64
import io
import json
import struct

import numpy as np
import pytest
from PIL import Image

from serving.http.image_input import ImageLimits
from serving.http.service import ServiceSettings
from tests.support import toy_export, toy_service

IMAGE = toy_export.image(20, 30)
IDS = IMAGE.argmax(axis=2)
PNG = toy_service.png(IMAGE)
B64 = base64.b64encode(PNG).decode()
INFER = "/v2/models/toy/infer"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    exports = toy_service.write_exports(tmp_path_factory.mktemp("exports"))
    settings = ServiceSettings(images=ImageLimits(10_000))
    with toy_service.running(exports, settings) as running:
        yield running


def tensor(**changes):
    return {"name": "ImageTensor", "datatype": "UINT8", "shape": [1, 20, 30, 3], **changes}


def infer(service, given, binary=b"", target=INFER):
    header = json.dumps(given).encode()
    return service.post(target, header + binary, inference_header_content_length=str(len(header)))


def ids_of(answer) -> np.ndarray:
    assert answer.status == 200, answer.body
    [output] = answer.json["outputs"]
    assert (output["name"], output["datatype"]) == ("SemanticPredictions", "INT32")
    return np.reshape(output["data"], output["shape"])


def test_numbers_and_image_files_get_the_same_ids(service):
    numbers = tensor(data=IMAGE.reshape(-1).tolist())
    files = tensor(datatype="BYTES", shape=[1], data=[B64])
    packed = tensor(datatype="BYTES", shape=[1], parameters={"binary_data_size": 4 + len(PNG)})
    raw = tensor(parameters={"binary_data_size": IMAGE.nbytes})
    for given, binary in (
        (numbers, b""),
        (files, b""),
        (packed, struct.pack("<I", len(PNG)) + PNG),
        (raw, IMAGE.tobytes()),
    ):
        answer = infer(service, {"id": "7", "inputs": [given]}, binary)
        np.testing.assert_array_equal(ids_of(answer), IDS[np.newaxis])
        assert answer.json["id"] == "7"


def test_binary_outputs_follow_the_json(service):
    given = {
        "inputs": [tensor(parameters={"binary_data_size": IMAGE.nbytes})],
        "parameters": {"binary_data_output": True},
    }
    answer = infer(service, given, IMAGE.tobytes())
    length = int(answer.headers["inference-header-content-length"])
    [output] = json.loads(answer.body[:length])["outputs"]
    assert output["parameters"] == {"binary_data_size": 4 * IDS.size}
    ids = np.frombuffer(answer.body[length:], "<i4").reshape(output["shape"])
    np.testing.assert_array_equal(ids, IDS[np.newaxis])


@pytest.mark.parametrize(
    ("given", "binary", "status", "message"),
    [
        ([], b"", 400, "expected an object"),
        ({}, b"", 400, "inputs has to be"),
        ({"inputs": [tensor(shape=[1, 20, 30])]}, b"", 400, "shape has to be"),
        ({"inputs": [tensor(datatype="FP32")]}, b"", 400, "datatype is 'FP32'"),
        ({"inputs": [tensor(data=[1, 2])]}, b"", 400, "data has 2 values"),
        ({"inputs": [tensor(data=[256] * 1800)]}, b"", 400, "0 to 255"),
        ({"inputs": [tensor(shape=[1, 1000, 1000, 3])]}, b"", 413, "1000000 pixels"),
        ({"inputs": [tensor(parameters={"binary_data_size": 9})]}, b"x", 400, "come 1 bytes"),
        (
            {"inputs": [tensor(datatype="BYTES", parameters={"binary_data_size": 5})]},
            b"\xff\xff\xff\xffx",
            400,
            "within an element",
        ),
        ({"inputs": [tensor(data=[0])], "outputs": [{"name": "x"}]}, b"", 400, "no output 'x'"),
    ],
)
def test_broken_requests_are_refused(service, given, binary, status, message):
    answer = infer(service, given, binary)
    assert (answer.status, message in answer.error) == (status, True), answer.body


def test_health_and_metadata(service):
    assert service.get("/v2/health/live").json == {"live": True}
    assert service.get("/v2/health/ready").json == {"ready": True}
    assert service.get("/v2/models/toy/ready").status == 200
    assert service.get("/v2/models/nix").status == 404
    assert service.get("/v2/models/toy/versions/9").status == 404
    assert service.get("/v2").json["extensions"] == ["binary_tensor_data"]


def test_tensorflow_servings_form(service):
    def predict(model, **given):
        body = json.dumps(given).encode()
        return service.post(f"/v1/models/{model}:predict", body)

    for instance in ({"b64": B64}, {"image_bytes": {"b64": B64}}, IMAGE.tolist()):
        answer = predict("toy", instances=[instance])
        np.testing.assert_array_equal(answer.json["predictions"], IDS[np.newaxis])
    answer = predict("toy", inputs=IMAGE.tolist())
    np.testing.assert_array_equal(answer.json["outputs"], IDS[np.newaxis])
    [row] = predict("color", instances=[{"b64": B64}]).json["predictions"]
    assert row["ClassPredictions"] == int(np.argmax(row["ClassProbabilities"]))
    for name in ("", "serving_default", None):
        assert predict("toy", instances=[{"b64": B64}], signature_name=name).status == 200
    answer = predict("toy/versions/1", instances=[{"b64": B64}], signature_name="serve_bytes")
    [row] = answer.json["predictions"]
    mask = Image.open(io.BytesIO(base64.b64decode(row["b64"])))
    assert mask.mode == "L"
    np.testing.assert_array_equal(np.asarray(mask), IDS)
    several = predict(
        "toy", inputs={"image_bytes": [{"b64": B64}] * 2}, signature_name="serve_bytes"
    )
    assert several.json["outputs"] == [row, row]
    found = predict("color", instances=[{"b64": B64}], signature_name="serve_bytes")
    [row] = found.json["predictions"]
    assert set(row) == {"class_ids", "class_names", "probabilities"}
    assert predict("toy/versions/2", instances=[{"b64": B64}]).status == 404
    assert predict("toy", instances=[{"b64": B64}], signature_name="x").status == 400
    assert predict("toy", instances=[]).status == 400
    assert predict("toy", instances=[{"b64": "?"}]).status == 400
    assert predict("toy", instances=[[[1, 2], [3]]]).status == 400


def test_hugging_faces_form(service):
    body = json.dumps({"inputs": B64}).encode()
    for answer in (
        service.post("/hf/toy", PNG, content_type="image/png"),
        service.post("/hf/toy", body, content_type="application/json"),
    ):
        for each in answer.json:
            mask = Image.open(io.BytesIO(base64.b64decode(each["mask"])))
            class_id = toy_export.CLASS_NAMES.index(each["label"])
            np.testing.assert_array_equal(np.asarray(mask) > 0, class_id == IDS)
    scores = [each["score"] for each in service.post("/hf/color", PNG).json]
    assert scores == sorted(scores, reverse=True)
