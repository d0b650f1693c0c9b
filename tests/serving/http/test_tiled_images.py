"""Large images in the service: equal to the model's, beside small ones, and given up in time."""

import asyncio
import io
import threading
import time

import numpy as np
import pytest
from PIL import ExifTags, Image

from serving import tiling
from serving.deeplab_model import DeepLabModel
from serving.http import admission
from serving.http.hosting import ModelSettings
from serving.http.service import ServiceSettings
from tests.support import asgi_calls, toy_export, toy_service

pytestmark = pytest.mark.filterwarnings("ignore::serving.deeplab_model.ImageShrunkWarning")

LARGE = toy_export.image(3 * toy_export.CROP[0], 3 * toy_export.CROP[1])
SMALL = toy_service.png(toy_export.image(40, 60))


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> str:
    return str(toy_export.write(tmp_path_factory.mktemp("tiled") / "export"))


class SlowTiles:
    """Slows the tiles of a hosted model down, and counts them."""

    def __init__(self, service: toy_service.ToyService, seconds: float):
        self.count = 0
        self._seconds = seconds
        self._predictor = service.service.models["toy"].current
        self._run_tiles = self._predictor.run_tiles
        self._predictor.run_tiles = self

    def __call__(self, tiles):
        time.sleep(self._seconds)
        self.count += len(tiles)
        return self._run_tiles(tiles)


def begin(service: toy_service.ToyService, target: str, body: bytes):
    return asyncio.run_coroutine_threadsafe(
        asgi_calls.request(service.app, "POST", target, body), service.loop._loop
    )


@pytest.mark.parametrize("tiles", [{}, {"tile": 32, "overlap": 0.25}, {"tile": "off"}])
def test_ids_are_those_of_the_model(export, tiles):
    settings = ServiceSettings(models=ModelSettings(tiles=tiling.TileOptions(**tiles)))
    with DeepLabModel(export) as model, toy_service.running({"toy": export}, settings) as service:
        answer = service.post("/segment?format=npy", toy_service.png(LARGE))
        np.testing.assert_array_equal(
            np.load(io.BytesIO(answer.body)), model.segment(LARGE, **tiles)
        )


def test_the_answer_says_what_the_network_saw(export):
    with toy_service.running({"toy": export}) as service:
        tiled = service.post("/segment?format=json", toy_service.png(LARGE)).json
        assert (tiled["network_size"], tiled["tiles"]) == (list(toy_export.CROP), 25)
        shrunk = service.post("/segment?format=json&tile=off", toy_service.png(LARGE)).json
        assert (shrunk["network_size"], shrunk["tiles"]) == (list(toy_export.CROP), 1)
        wrong = service.post("/segment?tile=big", SMALL)
        assert (wrong.status, wrong.error.startswith("tile=big: expected auto, off")) == (400, True)
        wrong = service.post("/segment?tile=9999", SMALL)
        assert (wrong.status, "expected 16 to 64 pixels" in wrong.error) == (400, True)


def test_a_small_image_does_not_wait_for_a_large_one(export):
    with toy_service.running({"toy": export}) as service:
        tiles = SlowTiles(service, 0.1)
        large = begin(service, "/segment", toy_service.png(LARGE))
        while not tiles.count:
            time.sleep(0.01)
        assert service.post("/segment", SMALL).status == 200
        assert tiles.count < 25
        assert large.result(30).status == 200
        assert tiles.count == 25


def test_a_large_image_that_nobody_waits_for_stops_and_frees_its_memory(export):
    settings = ServiceSettings(time_limit_secs=0.3)
    with toy_service.running({"toy": export}, settings) as service:
        tiles = SlowTiles(service, 0.2)
        answer = service.post("/segment", toy_service.png(LARGE))
        assert answer.status == 504
        count = tiles.count
        time.sleep(0.5)
        assert tiles.count <= count + 4
        assert service.service.budget.used == 0
        assert service.service.models["toy"]._admission.num_images == 0


def test_images_of_many_tiles_are_refused_before_they_are_decoded(export):
    head = toy_service.png(np.zeros([4000, 4000, 3], np.uint8))[:100]
    with toy_service.running({"toy": export}) as service:
        answer = service.post("/segment", head)
        assert (answer.status, "--max_tiles" in answer.error) == (413, True)


def test_an_image_is_judged_as_it_is_once_it_is_upright(export):
    """Stored lying, with an orientation in its EXIF: its tiles are those of the upright image."""
    upright, lying = io.BytesIO(), io.BytesIO()
    tall = Image.fromarray(toy_export.image(200, 60))
    tall.save(upright, "JPEG")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    tall.transpose(Image.Transpose.ROTATE_90).save(lying, "JPEG", exif=exif)
    limits = admission.Limits(num_tiles=1)
    settings = ServiceSettings(models=ModelSettings(limits=limits))
    with toy_service.running({"toy": export}, settings) as service:
        errors = [service.post("/segment", each.getvalue()).error for each in (upright, lying)]
    assert errors[0] == errors[1]
    assert "the image takes 8 tiles" in errors[0]


def test_the_memory_of_blending_is_counted(export):
    memory = 17 * LARGE.shape[0] * LARGE.shape[1] + 100_000
    with toy_service.running({"toy": export}, ServiceSettings(memory_bytes=memory)) as service:
        answer = service.post("/segment", toy_service.png(LARGE))
        assert (answer.status, "--memory_limit_mb" in answer.error) == (413, True)
        assert service.post("/segment?tile=off", toy_service.png(LARGE)).status == 200


def test_a_large_image_ends_with_the_load_with_which_it_has_begun(tmp_path):
    path = toy_export.write(tmp_path / "export")
    settings = ServiceSettings(models=ModelSettings(reload_secs=0.02))
    with toy_service.running({"toy": str(path)}, settings) as service:
        model = service.service.models["toy"]
        tiles, old = SlowTiles(service, 0.1), model.current
        large = begin(service, "/segment?format=json", toy_service.png(LARGE))
        toy_export.write(tmp_path / "export", metadata={"class_names": ["sky", "lawn", "lake"]})
        while model.current is old:
            time.sleep(0.01)
        assert tiles.count < 25
        assert large.result(30).json["version"] == 1
        while not old.model._is_closed:
            time.sleep(0.01)


def test_a_request_of_several_large_images_ends_with_its_load_too(tmp_path):
    path = toy_export.write(tmp_path / "export")
    settings = ServiceSettings(models=ModelSettings(reload_secs=0.02))
    with toy_service.running({"toy": str(path)}, settings) as service:
        model = service.service.models["toy"]
        SlowTiles(service, 0.05)
        old = model.current
        several = asyncio.run_coroutine_threadsafe(model.predict([LARGE] * 3), service.loop._loop)
        toy_export.write(tmp_path / "export", metadata={"class_names": ["sky", "lawn", "lake"]})
        while model.current is old:
            time.sleep(0.01)
        assert not old.model._is_closed
        assert [each.predictor.version for each in several.result(30)] == [1, 1, 1]
        while not old.model._is_closed:
            time.sleep(0.01)


def test_closing_ends_a_large_image(export):
    service = toy_service.ToyService({"toy": export}, ServiceSettings())
    service.load()
    tiles = SlowTiles(service, 0.1)
    large = begin(service, "/segment", toy_service.png(LARGE))
    while not tiles.count:
        time.sleep(0.01)
    service.service.is_draining = True
    service.loop.run(service.service.close())
    assert large.result(5).status == 503
    service.loop.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("tiles")]
    assert tiles.count < 25
