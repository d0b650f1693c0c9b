"""/segment, /classify and their errors, on toy exports."""

import io

import numpy as np
import pytest
from PIL import Image

from serving.deeplab_model import DeepLabModel, ImageTiledWarning
from serving.drawing import visualize
from serving.http import rle
from serving.http.image_input import ImageLimits
from serving.http.service import ServiceSettings
from serving.image_classifier import ImageClassifier
from tests.support import toy_export, toy_service

SETTINGS = ServiceSettings(max_bytes=200_000, images=ImageLimits(10_000))
IMAGE = toy_export.image(40, 60)


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    return toy_service.write_exports(tmp_path_factory.mktemp("exports"))


@pytest.fixture(scope="module")
def service(exports):
    with toy_service.running(exports, SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def expected(exports):
    with DeepLabModel(exports["toy"]) as model:
        yield model.segment(IMAGE)


def test_the_mask_is_what_the_model_says(service, expected):
    answer = service.post("/segment", toy_service.png(IMAGE))
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    mask = Image.open(io.BytesIO(answer.body))
    assert mask.mode == "P"
    np.testing.assert_array_equal(np.asarray(mask), expected)
    assert mask.getpalette()[:9] == [value for color in toy_export.PALETTE for value in color]


def test_an_image_larger_than_the_crop_is_what_the_model_says(service, exports):
    image = toy_export.image(90, 110)
    answer = service.post("/segment?format=npy", toy_service.png(image))
    with DeepLabModel(exports["toy"]) as model, pytest.warns(ImageTiledWarning):
        np.testing.assert_array_equal(np.load(io.BytesIO(answer.body)), model.segment(image))


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json", "application/json"),
        ("text/html, image/jpeg;q=0.2, application/x-npy;q=0.9", "application/x-npy"),
        ("image/*", "image/png"),
        ("image/jpeg", "image/jpeg"),
        ("image/png;q=0, */*;q=0.1", "image/jpeg"),
    ],
)
def test_accept_chooses_the_form(service, accept, media_type):
    answer = service.post("/segment", toy_service.png(IMAGE), accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (200, media_type)


def test_json_has_shares_and_masks(service, expected):
    answer = service.post("/segment", toy_service.png(IMAGE), accept="application/json").json
    assert (answer["model"], answer["height"], answer["width"]) == ("toy", 40, 60)
    shares = visualize.class_shares(expected, 3)
    assert [each["id"] for each in answer["classes"]] == list(np.argsort(-shares))
    for each in answer["classes"]:
        assert each["name"] == toy_export.CLASS_NAMES[each["id"]]
        assert each["share"] == pytest.approx(shares[each["id"]], abs=1e-6)
        assert each["rle"]["size"] == [40, 60]
        mask = rle.decode(each["rle"]["counts"], 40, 60)
        np.testing.assert_array_equal(mask, expected == each["id"])


def test_an_overlay_paints_the_chosen_classes_only(service, expected):
    def overlay(query: str) -> np.ndarray:
        answer = service.post(f"/segment?format=overlay_png&{query}", toy_service.png(IMAGE))
        assert answer.status == 200
        return np.asarray(Image.open(io.BytesIO(answer.body)))

    painted = Image.fromarray(IMAGE)
    visualize.paint_overlay(painted, expected, toy_export.PALETTE, toy_export.CLASS_NAMES, 0.8)
    np.testing.assert_array_equal(overlay("opacity=0.8"), np.asarray(painted))
    palette = [(0, 0, 0), (0, 0, 0), toy_export.PALETTE[2]]
    painted = Image.fromarray(IMAGE)
    visualize.paint_overlay(painted, expected, palette, toy_export.CLASS_NAMES, 0.5)
    for query in ("classes=water", "classes=2"):
        np.testing.assert_array_equal(overlay(query), np.asarray(painted))


def test_a_form_has_the_image_and_the_parameters(service, expected):
    body = toy_service.form(toy_service.png(IMAGE), format="npy", model="toy")
    answer = service.post("/segment", body, content_type="multipart/form-data; boundary=xyz")
    np.testing.assert_array_equal(np.load(io.BytesIO(answer.body)), expected)


def test_classes_are_what_the_classifier_says(service, exports):
    answer = service.post("/classify?top=2", toy_service.png(IMAGE)).json
    with ImageClassifier(exports["color"]) as model:
        [wanted] = model.run([IMAGE], top=2)
    assert answer["model"] == "color"
    assert [tuple(each.values()) for each in answer["classes"]] == [
        (each.class_id, each.class_name, each.probability) for each in wanted.top
    ]


@pytest.mark.parametrize(
    ("target", "body", "headers", "status", "message"),
    [
        ("/segment", b"not an image", {}, 400, "not an image file"),
        ("/segment", b"", {}, 400, "the body is empty"),
        ("/segment", toy_service.png(IMAGE)[:150], {}, 400, "truncated or damaged"),
        ("/segment", b"%PDF-1.7 ...", {}, 415, "a PDF file"),
        ("/segment", b"{}", {"content_type": "application/json"}, 415, "content-type is"),
        ("/segment", b"x", {"content_encoding": "gzip"}, 415, "content-encoding is 'gzip'"),
        ("/segment", b"x" * 200_001, {}, 413, "more than 200000 bytes"),
        ("/segment", toy_service.png(np.zeros([101, 100, 3], np.uint8)), {}, 413, "10100 pixels"),
        ("/segment?model=nix", toy_service.png(IMAGE), {}, 404, "there is toy, color"),
        (
            "/segment?model=color",
            toy_service.png(IMAGE),
            {},
            404,
            "is for classification; this needs one for deeplab",
        ),
        ("/segment?format=gif", toy_service.png(IMAGE), {}, 400, "format is 'gif'"),
        ("/segment", toy_service.png(IMAGE), {"accept": "video/mp4"}, 406, "Accept is"),
        ("/segment?opacity=2", toy_service.png(IMAGE), {}, 400, "from 0 to 1"),
        ("/classify?top=1.5", toy_service.png(IMAGE), {}, 400, "top is '1.5'; expected a whole"),
        ("/segment?opacity=nan", toy_service.png(IMAGE), {}, 400, "from 0 to 1"),
        (
            "/segment?opactiy=1",
            toy_service.png(IMAGE),
            {},
            400,
            "no parameter 'opactiy'; ",
        ),
        ("/classify?format=json", toy_service.png(IMAGE), {}, 400, "there are top, model."),
        ("/segment", b"<svg/>", {}, 415, "JPEG or PNG. Known formats"),
        ("/segment?classes=cow", toy_service.png(IMAGE), {}, 400, "no class 'cow'"),
        ("/classify?top=0", toy_service.png(IMAGE), {}, 400, "top is '0'"),
        ("/nothing", b"", {}, 404, "GET /docs"),
        ("/metrics", b"", {}, 405, "does not take POST"),
    ],
)
def test_errors_say_what_is_wrong(service, target, body, headers, status, message):
    answer = service.post(target, body, **headers)
    assert (answer.status, message in answer.error) == (status, True), answer.body


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"garbage", "multipart/form-data; boundary=xyz"),
        (toy_service.form(b"x"), "multipart/form-data"),
        (toy_service.form(b""), "multipart/form-data; boundary=xyz"),
        (b"--xyz--\r\n", "multipart/form-data; boundary=xyz"),
    ],
)
def test_a_broken_form_is_the_clients_fault(service, body, content_type):
    answer = service.post("/segment", body, content_type=content_type)
    assert (answer.status, "form" in answer.error) == (400, True)


def test_metrics_count_answers_but_never_a_clients_words(service):
    service.post("/somewhere/secret-words", b"")
    service.call("BREW", "/segment")
    service.post("/segment", toy_service.png(IMAGE))
    text = service.get("/metrics").body.decode()
    assert 'service_requests_total{method="POST",route="/segment",status="200"}' in text
    assert 'service_batch_size_count{model="toy"}' in text
    assert 'service_model_version{model="color"} 1.0' in text
    assert "secret-words" not in text
    assert "BREW" not in text


def test_nothing_is_held_once_all_is_answered(service):
    assert service.service.budget.used == 0
    assert service.service.in_flight == 0
