"""Captions over every protocol, from a small network's export."""

import base64
import json
import struct

import numpy as np
import pytest

from captioning.options import ATTENTION
from serving.caption_model import CaptionModel
from tests.support import tiny_captioner, toy_export, toy_service

IMAGE = tiny_captioner.random_image(3, 50, 71)
PNG = toy_service.png(IMAGE)


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("exports")
    return {
        "words": tiny_captioner.export(folder / "captioner", ATTENTION),
        "toy": str(toy_export.write(folder / "segmenter")),
    }


@pytest.fixture(scope="module")
def service(exports):
    with toy_service.running(exports) as running:
        yield running


@pytest.fixture(scope="module")
def expected(exports):
    with CaptionModel(exports["words"]) as model:
        return model.run(IMAGE)


def test_the_own_endpoint_tells_the_likeliest_captions(service, expected):
    answer = service.post("/caption", PNG)
    assert (answer.status, answer.json["model"]) == (200, "words")
    assert [each["text"] for each in answer.json["captions"]] == [expected[0].text]
    several = service.post("/caption?top=9&model=words", PNG).json["captions"]
    assert [each["text"] for each in several] == [each.text for each in expected]
    np.testing.assert_allclose(
        [each["probability"] for each in several],
        [each.probability for each in expected],
        rtol=1e-3,
    )


def test_models_are_asked_for_what_they_do(service):
    models = service.get("/models").json["models"]
    assert [(each["task"], len(each["classes"])) for each in models] == [
        ("captioning", 0),
        ("deeplab", 3),
    ]
    for target in ("/caption?model=toy", "/segment?model=words", "/classify"):
        assert service.post(target, PNG).status == 404
    assert service.post("/caption?top=0", PNG).status == 400
    assert service.post("/caption", b"no image").status == 400


def test_the_open_inference_protocol_gives_text(service, expected):
    outputs = service.get("/v2/models/words").json["outputs"]
    assert [(each["name"], each["datatype"]) for each in outputs] == [
        ("Captions", "BYTES"),
        ("CaptionLogProbabilities", "FP32"),
    ]
    tensor = {
        "name": "ImageTensor",
        "datatype": "UINT8",
        "shape": [2, *IMAGE.shape],
        "data": np.stack([IMAGE, IMAGE]).reshape(-1).tolist(),
    }
    given = {"inputs": [tensor]}
    answer = service.post("/v2/models/words/infer", json.dumps(given).encode()).json
    text, log_probability = answer["outputs"]
    assert text["data"] == [expected[0].text] * 2
    np.testing.assert_allclose(log_probability["data"], expected[0].log_probability, atol=1e-3)
    given["outputs"] = [{"name": "Captions", "parameters": {"binary_data": True}}]
    answer = service.post("/v2/models/words/infer", json.dumps(given).encode())
    said = expected[0].text.encode()
    packed = 2 * (struct.pack("<I", len(said)) + said)
    assert answer.body.endswith(packed)
    head = json.loads(answer.body[: -len(packed)])
    assert head["outputs"][0]["parameters"] == {"binary_data_size": len(packed)}


@pytest.mark.parametrize("signature", ["serving_default", "serve_bytes"])
def test_tensorflow_servings_rows_have_all_captions(service, expected, signature):
    given = {
        "signature_name": signature,
        "instances": [{"b64": base64.b64encode(PNG).decode()}],
    }
    answer = service.post("/v1/models/words:predict", json.dumps(given).encode()).json
    [row] = answer["predictions"]
    assert row["Captions"] == [each.text for each in expected]
    np.testing.assert_allclose(
        row["CaptionLogProbabilities"], [each.log_probability for each in expected], atol=1e-3
    )


def test_hugging_faces_image_to_text(service, expected):
    assert service.post("/hf/words", PNG).json == [{"generated_text": expected[0].text}]
